"""A bundle to a zip that the programs of bioimage.io open, tested as they test it."""

import logging
import os
import shutil
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from cellseg_monai.bundling.bioimage.card import TOLERANCE, cover, readme
from cellseg_monai.bundling.bioimage.description import description
from cellseg_monai.bundling.bioimage.exported import Exported, read_exported
from cellseg_monai.bundling.bioimage.network import RowsFirst, write_onnx, write_torchscript
from cellseg_monai.bundling.bioimage.sample import difference, sample_image, scale_range
from cellseg_monai.bundling.licences import licence_of
from cellseg_monai.outputs import claim_file, require_free, written_whole

logger = logging.getLogger(__name__)


def pack_bioimage(
    bundle: str | os.PathLike[str],
    file: str | os.PathLike[str],
    *,
    image: str | os.PathLike[str] | None = None,
    onnx: bool = False,
    licence: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Path:
    """Write a `bioimage.io <https://bioimage.io>`_ package and run its test.

    The package contains the network as TorchScript, a description in format 0.5, a test image with the
    prediction of the bundle, a cover and a README. Its input is rows and columns of raw intensities. Its
    output is a probability map; the README explains how to get cells from it. The format cannot describe all
    of the preprocessing of a bundle. The README states the difference, measured on the test image, and the
    log has a warning if it matters.

    Args:
        bundle: folder of a bundle with weights.
        file: zip to write; its folder is created if necessary.
        image: image for the test and the cover; the package contains its middle, of up to 512 pixels. By
            default a synthetic image.
        onnx: whether to add the network as ONNX.
        licence: SPDX identifier; by default that of the file ``LICENSE`` of the bundle.
        weights: file of other weights than those of the bundle.
        options: further values of ``inference.json`` by id.

    Returns:
        Path of the zip.

    Raises:
        FileNotFoundError: If the bundle or its weights do not exist.
        ValueError: If the weights do not fit, the format cannot describe a part of the bundle, the image is
            too small, or the licence is unknown.
        RuntimeError: If ``bioimageio.core``, or ``onnx`` for ONNX, is not installed, or the package does not
            pass its test.

    Example:
        >>> pack_bioimage("bundles/unknown", "unknown.zip")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/configs/inference.json: there is no such bundle
    """
    exported = read_exported(Path(bundle), options or {}, None if weights is None else Path(weights))
    licence = licence or licence_of(exported.folder)
    if licence is None:
        raise ValueError(
            f"{exported.folder / 'LICENSE'} is missing or is not a known licence; give its SPDX identifier, "
            "such as licence='CC-BY-4.0'"
        )
    for package, extra in (("bioimageio", "bioimageio"), *((("onnx", "export"),) if onnx else ())):
        if find_spec(package) is None:
            raise RuntimeError(f"{package} is not installed: pip install 'cellseg-monai[{extra}]'")
    target = Path(file)
    require_free(target.parent, "bioimageio", [target.name])
    with TemporaryDirectory() as folder:
        files = Path(folder) / "files"
        files.mkdir()
        _write_files(exported, files, None if image is None else Path(image), onnx)
        finished = _tested(exported, files, Path(folder) / "package.zip", licence)
        with claim_file(target, "bioimageio"), written_whole(target) as part:
            shutil.copyfile(finished, part)
    return target


def _write_files(exported: Exported, files: Path, image: Path | None, onnx: bool) -> None:
    raw = sample_image(exported, image)
    gap = difference(raw, exported.stretch)
    if gap.largest > TOLERANCE:
        logger.warning(
            "the preprocessing of the package differs from that of the bundle by up to %.2g of the intensity "
            "range on the test image, and by %.2g on average; the README of the package explains why",
            *gap,
        )
    stretched = torch.from_numpy(scale_range(raw, exported.stretch))
    with torch.no_grad():
        logits = RowsFirst(exported.network, first_is_logit=False).eval()(stretched[None])[0]
    np.save(files / "input.npy", raw[None])
    np.save(files / "output.npy", exported.decode.activate(logits)[None].numpy())
    Image.fromarray(cover(exported, stretched.numpy(), logits.numpy())).save(files / "cover.png")
    tested_on = "synthetic" if image is None else image.name
    (files / "README.md").write_text(readme(exported, gap, tested_on), encoding="utf-8")
    for name, attached in (("LICENSE", "LICENSE"), ("docs/README.md", "bundle.md")):
        if (exported.folder / name).is_file():
            shutil.copyfile(exported.folder / name, files / attached)
    network = RowsFirst(exported.network, exported.first_is_logit).eval()
    write_torchscript(network, files / "model.ts", stretched[None], any_size=exported.step > 0)
    if onnx:
        write_onnx(network, files / "model.onnx", stretched[None], any_size=exported.step > 0)


def _tested(exported: Exported, files: Path, package: Path, licence: str) -> Path:
    """Validate and pack the files, and run the package as other programs do."""
    from bioimageio.core import test_model
    from bioimageio.spec import save_bioimageio_package

    save_bioimageio_package(description(exported, files, licence), output_path=package)
    summary = test_model(package)
    if summary.status != "passed":
        faults = "; ".join(
            " ".join(error.msg.split()) for detail in summary.details for error in detail.errors
        )
        raise RuntimeError(f"the package fails the test of bioimageio.core: {faults or summary.status}")
    return package
