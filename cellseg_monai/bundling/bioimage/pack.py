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
from cellseg_monai.bundling.bioimage.sample import Planes, difference, sample_image, scale_range
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
    """Write a package of `bioimage.io <https://bioimage.io>`_ and run its test.

    It holds the network as TorchScript, a description in format 0.5, an image with the answer of the bundle
    to it, a cover and a README. An image goes in as rows and columns of raw intensities. What comes out are
    probabilities; the README says how they become cells. How far the preprocessing, as the format can
    describe it, is from that of the bundle is measured on the image, stands in the README, and is logged as a
    warning where it matters.

    Args:
        bundle: its folder, with weights.
        file: zip to write; its folder is made if need be.
        image: file of an image that the package is tested by and that its cover shows; its middle, of up to
            512 pixels, goes into the package. By default a synthetic one.
        onnx: add the network as ONNX.
        licence: identifier of SPDX; by default that of the bundle's file ``LICENSE``.
        weights: file, in place of the bundle's own.
        options: further values of ``inference.json`` by id.

    Returns:
        The zip.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no weights.
        ValueError: the weights do not fit, the bundle has a part that the format cannot describe, the image
            is too small, or the licence is not known.
        RuntimeError: ``bioimageio.core``, or for ONNX ``onnx``, is not installed, or the package does not
            pass its test.

    Example:
        >>> pack_bioimage("bundles/unknown", "unknown.zip")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/configs/inference.json: there is no such bundle
    """
    exported = read_exported(Path(bundle), options or {}, None if weights is None else Path(weights))
    licence = _licence(exported.folder) if licence is None else licence
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
            "the preprocessing that the package describes differs from that of the bundle by up to %.2g of "
            "the range of intensities on the test image, %.2g in the mean; its README says why",
            *gap,
        )
    stretched = scale_range(raw, exported.stretch)
    logits = _answer(exported, stretched)
    np.save(files / "input.npy", raw[None])
    np.save(files / "output.npy", exported.activated(logits)[None])
    Image.fromarray(cover(exported, stretched, logits)).save(files / "cover.png")
    tested_on = "synthetic" if image is None else image.name
    (files / "README.md").write_text(readme(exported, gap, tested_on), encoding="utf-8")
    for name in ("LICENSE", "docs/README.md"):
        if (exported.folder / name).is_file():
            shutil.copyfile(exported.folder / name, files / _attached(name))
    network = RowsFirst(exported.network, exported.output.activation == "first").eval()
    example = torch.from_numpy(stretched[None])
    write_torchscript(network, files / "model.ts", example, any_size=exported.step > 0)
    if onnx:
        write_onnx(network, files / "model.onnx", example, any_size=exported.step > 0)


def _answer(exported: Exported, image: Planes) -> Planes:
    """Logits of the bundle's network, for rows and columns."""
    with torch.no_grad():
        logits = exported.network(torch.from_numpy(image[None]).transpose(2, 3))[0].transpose(1, 2)
    answer: Planes = logits.contiguous().numpy()
    return answer


def _attached(name: str) -> str:
    return "bundle.md" if name == "docs/README.md" else Path(name).name


def _licence(bundle: Path) -> str:
    licence = licence_of(bundle)
    if licence is None:
        raise ValueError(
            f"{bundle / 'LICENSE'} is missing or of no licence known here; name it as SPDX does, such as "
            "licence='CC-BY-4.0'"
        )
    return licence


def _tested(exported: Exported, files: Path, package: Path, licence: str) -> Path:
    """Validate and pack, and have the package read and run as others will."""
    from bioimageio.core import test_model
    from bioimageio.spec import save_bioimageio_package

    save_bioimageio_package(description(exported, files, licence), output_path=package)
    summary = test_model(package)
    if summary.status != "passed":
        faults = "; ".join(
            " ".join(error.msg.split()) for detail in summary.details for error in detail.errors
        )
        raise RuntimeError(
            f"the package does not pass the test of bioimageio.core: {faults or summary.status}"
        )
    return package
