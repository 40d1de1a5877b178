"""One server with all bundles for the whole run."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from cellseg_monai.data import write_synthetic_dataset
from tests.bundles.reduced import NARROW
from tests.integration.served import TRAINED, Server, narrowed, serving


@pytest.fixture(scope="session")
def label_python() -> str:
    """Python of the environment that ``make label-env`` sets up."""
    python = os.environ.get("CELLSEG_LABEL_PYTHON")
    if python is None:
        pytest.skip("needs MONAI Label: run `make test-label`, or set CELLSEG_LABEL_PYTHON to its Python")
    return python


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images of nuclei with their masks, as 16-bit TIFF, not square."""
    folder = tmp_path_factory.mktemp("set")
    return write_synthetic_dataset("nuclei", folder, count=8, size=(96, 144), seed=1).parent


@pytest.fixture(scope="session")
def app(label_python: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stock app with all bundles, untrained, and one that takes every bright pixel for a cell."""
    folder = tmp_path_factory.mktemp("a server") / "app"
    (folder / "model").mkdir(parents=True)
    for name in sorted(NARROW):
        narrowed(name, folder / "model")
    pixels(narrowed("patch_attention_unet", folder.parent)).rename(folder / "model/pixels")
    return folder


def pixels(bundle: Path) -> Path:
    """Exchange the network for a convolution of one pixel, with weights that need no training."""
    config = bundle / "configs/inference.json"
    content = json.loads(config.read_text())
    arguments = {"in_channels": 1, "out_channels": 2, "kernel_size": 1}
    point = {"_target_": "torch.nn.Conv2d", "_mode_": "callable", **arguments}
    content["network_def"]["architecture"] = point
    config.write_text(json.dumps(content))
    state = {"weight": torch.tensor([8.0, 1.0]).reshape(2, 1, 1, 1), "bias": torch.tensor([-4.0, 0.0])}
    torch.save(state, bundle / "models/model.pt")
    return bundle


@pytest.fixture(scope="session")
def server(
    label_python: str, app: Path, dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """All bundles over the images of the dataset; none has a label."""
    images = tmp_path_factory.mktemp("studies of a user")
    for image in sorted((dataset / "images").iterdir()):
        shutil.copy(image, images)
    log = images.parent / "server.log"
    with serving(label_python, app, images, [*sorted(NARROW), "pixels"], log) as running:
        yield running


@pytest.fixture(scope="session")
def trained(server: Server, dataset: Path) -> Server:
    """Three bundles, trained through the server on six annotated images."""
    masks = sorted((dataset / "labels").iterdir())
    for mask in masks[:5]:
        server.save(mask.stem, mask)
    server.save(masks[5].stem, as_viewer_saves(masks[5], server.app))
    for name in TRAINED:
        answer = server.ask("POST", f"/train/{name}", json={"max_epochs": 20, "val_split": 0.34})
        assert answer.status_code == 200, answer.text
        server.wait("train/")
    return server


def as_viewer_saves(mask: Path, folder: Path) -> Path:
    """3D Slicer sends the label of a plane as a volume of one slice."""
    import nibabel

    file = folder / f"{mask.stem}.nii.gz"
    ids = tifffile.imread(mask).T[..., None].astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(ids, np.diag([-1.0, -1, 1, 1])), file)
    return file


@pytest.fixture(scope="session")
def formats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same nuclei in every format that a user may have, not square, in no folder of a server."""
    import nibabel
    from PIL import Image

    folder = tmp_path_factory.mktemp("formats")
    source = write_synthetic_dataset("nuclei", folder / "set", count=1, size=(90, 130), seed=5).parent
    grey = tifffile.imread(next((source / "images").iterdir()))
    eight = (grey / grey.max() * 255).astype(np.uint8)
    colour = np.stack([eight, eight // 2, eight // 3], axis=-1)
    files = folder / "files"
    files.mkdir()
    tifffile.imwrite(files / "grey16.tif", grey.astype(np.uint16))
    tifffile.imwrite(files / "grey8.tiff", eight)
    tifffile.imwrite(files / "colour8.tif", colour, photometric="rgb")
    tifffile.imwrite(files / "colour16.tif", colour.astype(np.uint16) * 200, photometric="rgb")
    Image.fromarray(eight).save(files / "png8.png")
    Image.fromarray(grey.astype(np.uint16)).save(files / "png16.png")
    Image.fromarray(colour).save(files / "png_colour.png")
    Image.fromarray(eight).save(files / "jpeg.jpg")
    Image.fromarray(colour).save(files / "jpeg_colour.jpeg")
    affine = np.array([[-0.5, 0, 0, 3], [0, -0.25, 0, 4], [0, 0, 2, 5], [0, 0, 0, 1]], float)
    nibabel.save(nibabel.Nifti1Image(grey.T.astype(np.uint16), affine), files / "plane.nii.gz")
    nibabel.save(nibabel.Nifti1Image(grey.T[..., None].astype(np.int16), affine), files / "slice.nii")
    return files
