"""What a bundle resizes: the network sees the same pixels in training, validation and inference."""

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser
from torch.nn.functional import adaptive_avg_pool2d

from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.networks import SkipUNet
from tests.bundles.reduced import BUNDLES

OVERLAYS = {"as_published": (1000, 16), "as_published_multi_class": (512, 1)}
"""Side of an image, and number of its windows of 224 pixels, as the publication describes them."""


class Listening(SkipUNet):
    """A small network, convolutional as that of the bundle, that remembers its windows."""

    def __init__(self) -> None:
        super().__init__(2, 3, 2, channels=(2, 2))
        self.windows: list[torch.Tensor] = []

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.windows += list(image)
        return super().forward(image)


def parsed(name: str, *files: str, **options: Any) -> ConfigParser:
    parser = ConfigParser()
    folder = BUNDLES / name / "configs"
    parser.read_config([str(folder / f"{file}.json") for file in files])
    parser.read_meta(str(folder / "metadata.json"))
    parser.update({"bundle_root": str(BUNDLES / name), "weights": "$None", "augmentation": [], **options})
    parser.parse()
    return parser


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("name", ["skip_unet", "skip_swin_unet"])
def test_training_validation_and_inference_show_the_same_pixels(
    name: str, overlay: str, tmp_path: Path
) -> None:
    side, count = OVERLAYS[overlay]
    dataset = write_synthetic_dataset("tissue", tmp_path, count=1, size=(side, side))
    overlays = ("multi_class", overlay) if "multi" in overlay else (overlay,)
    options: dict[str, Any] = {"dataset_dir": str(dataset), "validation_dir": str(dataset)}
    options["classes"] = {str(value): int(value > 0) for value in range(2000)}
    parser = parsed(name, "train", *overlays, **options)
    (samples,) = parser.get_parsed_content("train#dataset")
    patches = [sample["image"].as_tensor() for sample in (samples if count > 1 else [samples])]
    assert [tuple(patch.shape) for patch in patches] == [(3, 224, 224)] * count
    image = parser.get_parsed_content("validate#dataset")[0]["image"]
    inference = parsed(name, "inference", *overlays, **options)
    for inferer in (parser.get_parsed_content("validate#inferer"), inference.get_parsed_content("inferer")):
        network = Listening().eval()
        assert inferer(image[None], network).shape[2:] == (side, side)
        assert len(network.windows) == count
        assert all(torch.equal(*pair) for pair in zip(network.windows, patches, strict=True))
    (read,) = inference.get_parsed_content("dataset")
    assert torch.equal(read["image"].as_tensor(), image.as_tensor())


def test_the_target_is_resized_with_the_image(tmp_path: Path) -> None:
    dataset = write_synthetic_dataset("tissue", tmp_path, count=1, size=(96, 64))
    options = {"dataset_dir": str(dataset), "validation_dir": str(dataset), "patches": []}
    whole, half = (
        parsed("skip_unet", "train", **options, resize=resize).get_parsed_content("train#dataset")[0]
        for resize in ([64, 96], [32, 48])  # width and height
    )
    assert whole["image"].shape == (3, 64, 96)
    assert half["image"].shape == (3, 32, 48)
    mean = whole["image"].as_tensor().reshape(3, 32, 2, 48, 2).mean((2, 4))
    torch.testing.assert_close(half["image"].as_tensor(), mean)
    assert torch.equal(half["label"].as_tensor(), whole["label"].as_tensor()[:, 1::2, 1::2])


def test_unlabelled_images_are_resized_as_well(tmp_path: Path) -> None:
    dataset = str(write_synthetic_dataset("tissue", tmp_path, count=1, size=(96, 96)))
    options = {"unlabelled_dir": dataset, "dataset_dir": dataset, "resize": [40, 40], "patch_size": 40}
    parser = parsed("skip_unet", "train", "semi_supervised", **options)
    patch = parser.get_parsed_content("unlabelled#dataset")[0][0]["image"].as_tensor()
    whole = parsed("skip_unet", "inference", **options).get_parsed_content("dataset")[0]["image"]
    small = adaptive_avg_pool2d(whole.as_tensor(), 40)
    assert any(torch.allclose(patch, small.rot90(turn, (1, 2))) for turn in range(4))


def test_large_images_in_tiles_refuse_a_size_of_the_whole() -> None:
    parser = parsed("skip_unet", "inference", "inference_large", resize=[896, 896])
    with pytest.raises(RuntimeError) as told:
        parser.get_parsed_content("segment")
    assert "resize=[896, 896] is the size of a whole image, but here each tile" in str(told.value.__cause__)
