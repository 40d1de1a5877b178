"""A stand-in sees discs as a trained network does: well at the size that it knows, else in pieces or not."""

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy import ndimage

from cellseg_monai.cell_size import NETWORK_SCALE, cell_diameter
from cellseg_monai.inference import CellSizedInferer
from cellseg_monai.inference.size_look import look_for_diameter
from cellseg_monai.instances import WatershedFromDistance, WatershedFromDistanced

KNOWN = 24


class Discs(torch.nn.Module):
    """Foreground and distance of discs; of far too large ones pieces, of far too small ones nothing."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, image):
        self.seen.append(tuple(image.shape[2:]))
        return torch.stack([self.one(each[0].numpy()) for each in image])

    def one(self, grey):
        bright = grey > 0.5
        diameter = cell_diameter(ndimage.label(bright)[0].astype(np.int32)) or 0
        if diameter > 3 * KNOWN:
            rows, columns = np.indices(bright.shape) % KNOWN
            bright &= (rows > 2) & (columns > 2)
        if diameter < KNOWN / 5:
            bright[:] = False
        return torch.from_numpy(np.stack([np.where(bright, 9, -9), bright]).astype(np.float32))


def sized(**options):
    return CellSizedInferer(decoding=WatershedFromDistanced("pred"), diameter=KNOWN, **options)


def field(diameter, side):
    rows, columns = np.indices((side, side)) % (2 * diameter) - diameter
    return torch.from_numpy((rows**2 + columns**2 <= (diameter / 2) ** 2).astype(np.float32))[None, None]


@pytest.mark.parametrize("diameter", [6, 12, 24, 48, 96, 190])
def test_the_scale_is_found(diameter):
    inferer = sized(window="auto", patch_size=128)
    scale = inferer.scale_of(field(diameter, 1000), Discs())
    assert scale * diameter == pytest.approx(KNOWN, rel=0.12)


def test_clumps_that_look_like_cells_from_afar_are_no_cells():
    image = torch.zeros(1, 1, 1024, 1024)
    for top, left in np.ndindex(4, 4):  # clumps of 7 × 7 cells of 12 pixels, two pixels apart
        for row, column in np.ndindex(7, 7):
            y, x = 40 + 256 * top + 14 * row, 40 + 256 * left + 14 * column
            image[..., y : y + 12, x : x + 12] = field(12, 24)[..., 6:18, 6:18]
    found = look_for_diameter(image, lambda part: ndimage.label(part[0, 0] > 0.2)[0], known=KNOWN)
    assert found == pytest.approx(12, rel=0.15)


def test_it_is_found_in_a_corner_of_an_empty_image():
    image = torch.zeros(1, 1, 1500, 1500)
    image[..., 1300:1420, 100:220] = field(12, 120)
    scale = sized().scale_of(image, Discs())
    assert scale * 12 == pytest.approx(KNOWN, rel=0.12)


def test_a_few_looks_are_small():
    network = Discs()
    sized().scale_of(field(12, 2000), network)
    assert len(network.seen) <= 7
    assert max(map(max, network.seen)) <= 288


@pytest.mark.parametrize("known", ["option", "metadata"])
def test_a_known_size_needs_no_look(known):
    network, image = Discs(), MetaTensor(field(48, 300))
    image.meta["cell_diameter"] = 48.0 if known == "metadata" else 1.0
    inferer = sized(window=-1, cell_diameter=48 if known == "option" else None)
    output = inferer(image, network)
    assert output.shape == (1, 2, 300, 300)
    assert network.seen == [(150, 150)]
    assert float(output.meta[NETWORK_SCALE]) == 0.5


def test_an_image_of_nearly_the_right_size_is_left_alone():
    network, image = Discs(), field(25, 200)
    output = sized(window=-1, cell_diameter=25)(image, network)
    assert torch.equal(output, network(image))


def test_images_of_a_batch_have_scales_of_their_own():
    batch = MetaTensor(torch.cat([field(12, 240), field(48, 240)]))
    output = sized(window="auto", patch_size=128)(batch, Discs())
    assert output.meta[NETWORK_SCALE].tolist() == pytest.approx([2, 0.5], rel=0.12)


def test_without_cells_the_image_keeps_its_scale_and_it_is_told(caplog):
    assert sized().scale_of(torch.zeros(1, 1, 64, 64), Discs()) == 1
    assert "no cell was seen" in caplog.text


@pytest.mark.parametrize("options", [{"diameter": 0}, {"cell_diameter": -3}])
def test_a_diameter_is_positive(options):
    with pytest.raises(ValueError, match="must be above 0 pixels"):
        CellSizedInferer(decoding=WatershedFromDistanced("pred"), **options)


def test_the_smallest_cell_is_measured_at_the_scale_of_the_network():
    output = MetaTensor(Discs()(field(12, 96))[0], meta={NETWORK_SCALE: torch.tensor([0.5])})
    decode = WatershedFromDistance(min_size=20)  # 80 pixels of the image
    assert int(decode(output).max()) == int(decode(output.as_tensor()).max()) == 16
    output.meta[NETWORK_SCALE] = torch.tensor([0.25])  # 320 pixels, and a disc has 113
    assert int(decode(output).max()) == 0
