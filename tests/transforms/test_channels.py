import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.data import MetaTensor
from PIL import Image

from cellseg_monai.transforms import MatchChannels, MatchChannelsd, match_channels

KINDS = [pytest.param(np.asarray, id="numpy"), pytest.param(torch.as_tensor, id="torch")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize(
    ("image", "channels", "expected"),
    [
        ([[5, 6]], 3, [[5, 6], [5, 6], [5, 6]]),
        ([[5, 6], [5, 6], [5, 6]], 1, [[5, 6]]),
        ([[100, 0], [0, 100], [0, 0]], 1, [[29.9, 58.7]]),
        ([[1, 2], [3, 4], [5, 6], [255, 255]], 3, [[1, 2], [3, 4], [5, 6]]),
        ([[7, 8], [7, 8], [7, 8], [0, 0]], 1, [[7, 8]]),
        ([[1, 2]], 1, [[1, 2]]),
    ],
    ids=["grey to RGB", "grey stored as RGB", "luminance", "RGBA to RGB", "RGBA to grey", "as it is"],
)
def test_by_hand(kind, dtype, image, channels, expected):
    image = kind(np.array(image, dtype))
    matched = match_channels(image, channels)
    assert type(matched) is type(image)
    assert matched.dtype == image.dtype
    expected = np.array(expected) if dtype == np.float32 else np.rint(expected)
    np.testing.assert_allclose(np.asarray(matched), expected, rtol=1e-6)


@given(hnp.arrays(np.uint8, (3, 4, 5)))
def test_luminance_is_that_of_pillow(image):
    colour = Image.fromarray(np.moveaxis(image, 0, -1))
    difference = match_channels(image, 1)[0].astype(int) - np.asarray(colour.convert("L"))
    assert np.abs(difference).max() <= 1  # Pillow rounds its weights


@given(hnp.arrays(np.float32, (1, 3, 3), elements=st.floats(0, 1, width=32)))
def test_there_and_back(image):
    np.testing.assert_array_equal(match_channels(match_channels(image, 3), 1), image)


def test_volumes():
    assert match_channels(torch.zeros(1, 4, 5, 6), 3).shape == (3, 4, 5, 6)


def test_repeated_channels_do_not_share_memory():
    image = match_channels(torch.zeros(1, 2), 3)
    image[0] += 1
    assert image.tolist() == [[1, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fourth_channel_that_varies(kind):
    image = kind(np.array([[1, 2], [3, 4], [5, 6], [255, 0]], np.uint8))
    with pytest.raises(ValueError, match=r"4 channels and the last one varies.*drop_alpha=True"):
        match_channels(image, 3)
    assert match_channels(image, 3, drop_alpha=True).tolist() == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize("present", [0, 2, 5])
@pytest.mark.parametrize("channels", [1, 3])
def test_no_rule(present, channels):
    image = MetaTensor(torch.zeros(present, 4, 4), meta={"filename_or_obj": "slide.tif"})
    with pytest.raises(ValueError, match=rf"slide\.tif has {present} channels; .* converted to {channels}"):
        MatchChannels(channels)(image)


def test_other_numbers_of_channels_are_kept_but_not_made():
    image = torch.rand(2, 4, 4)
    assert match_channels(image, 2) is image
    with pytest.raises(ValueError, match=r"has 3 channels, but 2 are needed, and only grey and colour"):
        match_channels(torch.zeros(3, 4, 4), 2)


@pytest.mark.parametrize("channels", [0, -1])
def test_channels_are_checked_at_construction(channels):
    with pytest.raises(ValueError, match=f"channels={channels} must be at least 1"):
        MatchChannelsd("image", channels)


@pytest.mark.parametrize(
    ("present", "channels", "names", "expected"),
    [
        (1, 3, "DAPI", "DAPI,DAPI,DAPI"),
        (3, 1, "red,green,blue", "grey"),
        (4, 3, "red,green,blue,alpha", "red,green,blue"),
        (3, 3, "red,green,blue", "red,green,blue"),
        (1, 3, "", ""),
    ],
)
def test_meta_data_follow(present, channels, names, expected):
    image = MetaTensor(torch.zeros(present, 4, 4), meta={"channel_names": names, "pixel_size": 0.5})
    matched = MatchChannels(channels)(image)
    assert matched.shape[0] == channels
    assert matched.meta["channel_names"] == expected
    assert matched.meta["pixel_size"] == 0.5
    assert image.meta["channel_names"] == names


def test_no_names_are_invented():
    assert "channel_names" not in MatchChannels(3)(torch.zeros(1, 4, 4)).meta


def test_dictionary():
    rgba = torch.rand(4, 4, 4)
    match = MatchChannelsd(["a", "b", "c"], channels=3, drop_alpha=True, allow_missing_keys=True)
    item = match({"a": rgba, "b": torch.zeros(1, 4, 4)})
    assert {key: value.shape[0] for key, value in item.items()} == {"a": 3, "b": 3}
    torch.testing.assert_close(item["a"].as_tensor(), rgba[:3])


@pytest.mark.parametrize("present", [3, 4])
def test_stains_are_not_taken_for_colours(present):
    names = ",".join(["DAPI", "GFP", "RFP", "BF"][:present])
    image = MetaTensor(torch.rand(present, 4, 4), meta={"channel_names": names})
    with pytest.raises(
        ValueError, match=f"has the channels {names}, which are not .*; choose one with --channel"
    ):
        MatchChannels(1)(image)
    assert MatchChannels(present)(image).shape[0] == present
