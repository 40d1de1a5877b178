"""Images to cells by a bundle's own ``inference.json``, or by weights with the settings that they carry."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob, has_magic
from os import PathLike
from pathlib import Path
from typing import Any

import tifffile
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from PIL import Image

from cellseg_monai.data import list_items
from cellseg_monai.export import SaveTiffd, outline
from cellseg_monai.export.overlay import Colours
from cellseg_monai.jobs.files.companions import drawable
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.networks import attention_maps
from cellseg_monai.outputs import Claim, claim_outputs, written_whole
from cellseg_monai.runtime import require_ids
from cellseg_monai.runtime.finding import find_model, inference_files
from cellseg_monai.runtime.literals import literal, literal_options

logger = logging.getLogger(__name__)

LARGEST_WITH_ATTENTION = 4_000_000

Source = str | list[str]
"""The file of an image, or the files of its channels."""


def predict(
    bundle: str | PathLike[str],
    inputs: Sequence[str | PathLike[str]],
    out: str | PathLike[str],
    *,
    device: str | None = None,
    tta: bool = False,
    save_probability: bool = False,
    overlay: bool = False,
    attention: bool = False,
    options: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Segment images with a trained bundle; the files are those of MONAI's own command.

    Args:
        bundle: folder of a bundle with its weights, a name of
            :func:`~cellseg_monai.runtime.known_bundles`, or weights: a file, or the folder of a training.
        inputs: images, folders of images or datasets, and patterns such as ``"day?/*.tif"``.
        out: folder for ``labels/``, ``timing.csv`` and ``failures.csv``. Images keep the sub-folders that
            they have below the folder which all share.
        device: such as ``"cpu"`` or ``"cuda:1"``; by default the GPU if there is one.
        tta: average over flips and quarter turns.
        save_probability: write the probability map too, into ``probability/``.
        overlay: draw the outlines of the cells on the images, into ``overlays/``.
        attention: write what each attention gate lets pass, into ``attention/<image>/<gate>.tif``, of images
            of up to four megapixels; a report shows them.
        options: further values of ``inference.json`` by id, such as ``{"threshold": 0.4}``.

    Returns:
        The label maps.

    Raises:
        FileNotFoundError: the bundle, its weights or an input is not there.
        ValueError: two images would have the same label map, ``inference.json`` has no such id, or attention
            is asked of a network without gates; there is no such device; or `out` holds an image.
        RuntimeError: at the end, if an image failed.

    Example:
        >>> predict("bundles/unknown", ["a.tif"], "out")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown: there is no such bundle; give its folder, or one of ...
    """
    bundle, weights = find_model(bundle)
    changes = ({} if weights is None else {"weights": str(weights)}) | dict(options or {})
    files = inference_files(bundle, changes)
    images = find_images(inputs)
    root = Path(os.path.commonpath([_first(image).parent for image in images]))
    require_ids(ConfigParser.load_config_files(files), changes, files[0])
    values = {
        "settings#given": list(changes),
        **literal_options(changes),
        "bundle_root": literal(str(bundle)),
        "dataset_dir": literal(str(root)),
        "data_root": literal(str(root)),
        "output_dir": literal(str(out)),
        "items": [{"image": _literal(image)} for image in images],
        # What is not asked for here is left to the options.
        **({"tta": True} if tta else {}),
        **({"save_probability": True} if save_probability else {}),
    }
    if device is not None:
        _require_device(device)
        values["device"] = f"$torch.device({device!r})"
    with _quiet(logging.getLogger(ConfigWorkflow.__module__)):
        workflow = ConfigWorkflow(files, logging_file=False, **values)
    workflow.initialize()
    labels = [SaveTiffd("pred", Path(out) / "labels", root).path_of(_first(image)) for image in images]
    places = [path.relative_to(Path(out) / "labels") for path in labels]
    overlays = [Path(out) / "overlays" / place.with_suffix(".png") for place in places]
    drawn = {
        path.relative_to(out).as_posix(): str(_first(image))
        for image, path in zip(images, overlays, strict=True)
        if overlay
    }
    with claim_outputs(out, "predict", drawn, sources=drawn) as claim:
        try:
            workflow.run()
        finally:  # an image that failed does not stop the others
            if overlay:
                for image, label, path in zip(images, labels, overlays, strict=True):
                    if label.is_file():
                        _draw(image, label, path)
        if attention:
            for image, place in zip(images, places, strict=True):
                _save_attention(workflow, image, "attention" / place.with_suffix(""), claim)
    return labels


def _require_device(name: str) -> None:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device={name!r}: there is no such device; choose cpu, cuda or cuda:1") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        seen = torch.cuda.device_count()
        raise ValueError(f"device={name!r}: PyTorch sees {seen} GPUs on this machine; leave the device out")


@contextmanager
def _quiet(of: logging.Logger) -> Iterator[None]:
    """Logging is the caller's, and MONAI warns that it sets none up; leave that out."""

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    of.addFilter(is_error)
    try:
        yield
    finally:
        of.removeFilter(is_error)


def find_images(inputs: Sequence[str | PathLike[str]]) -> list[Source]:
    """The images that paths, folders, datasets and patterns name, each once, with absolute paths.

    Raises:
        FileNotFoundError: something is not there, or a pattern matches nothing.
        ValueError: two images of one folder differ in nothing but their suffix.

    Example:
        >>> find_images(["absent/*.tif"])
        Traceback (most recent call last):
        ...
        FileNotFoundError: absent/*.tif: the pattern matches no file
    """
    images: dict[Path, Source] = {}
    stems: dict[Path, Path] = {}
    for image in (image for name in inputs for image in _images_of(str(name))):
        first = _first(image)
        images[first] = image
        other = stems.setdefault(first.with_suffix(""), first)
        if other != first:
            raise ValueError(
                f"{other} and {first.name} would both become {first.stem}.tif; segment them apart"
            )
    return list(images.values())


def _literal(image: Source) -> Source:
    return literal(image) if isinstance(image, str) else [literal(channel) for channel in image]


def _first(image: Source) -> Path:
    return Path(image if isinstance(image, str) else image[0])


def _images_of(name: str) -> list[Source]:
    path = Path(os.path.abspath(name))
    if path.is_dir() or path.suffix in (".json", ".csv"):
        return [item["image"] for item in list_items(path, recursive=path.is_dir())]
    if path.is_file():
        return [str(path)]
    if not has_magic(name):
        raise FileNotFoundError(f"{name}: there is no such file or folder")
    matches = [Path(match) for match in sorted(glob(name, recursive=True))]
    if not matches:
        raise FileNotFoundError(f"{name}: the pattern matches no file")
    return [image for match in matches for image in _images_of(str(match))]


def outlined(image: Source, label_map: LabelMap) -> Colours:
    """The image, stretched, with the outlines of objects; rows, columns, red-green-blue.

    Args:
        image: its file, or the files of its channels.
        label_map: of the objects, of the same rows and columns.

    Example:
        >>> from cellseg_monai.data import list_items, read_label_map, write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", f"{tempfile.mkdtemp()}/set", count=1, size=(32, 48))
        >>> item = list_items(folder)[0]
        >>> outlined(item["image"], read_label_map(item["label"])).shape
        (32, 48, 3)
    """
    return outline(drawable(image), label_map)


def _save_attention(workflow: ConfigWorkflow, image: Source, place: Path, claim: Claim) -> None:
    """What the gates of the bundle's network let pass of an image, which they see whole."""
    network, read = (workflow.parser.get_parsed_content(part) for part in ("network", "preprocessing"))
    pixels = read({"image": image})["image"]
    if pixels[0].numel() > LARGEST_WITH_ATTENTION:
        logger.info("no attention maps of %s: it has more than four megapixels", _first(image))
        return
    maps = attention_maps(network, pixels.as_tensor()[None].to(next(network.parameters()).device))
    files = {gate: place / f"{gate}.tif" for gate in maps}
    names = [file.as_posix() for file in files.values()]
    claim.add(names, dict.fromkeys(names, str(_first(image))))
    for gate, weights in maps.items():
        with written_whole(claim.folder / files[gate]) as part:
            tifffile.imwrite(part, weights[0, 0].T.cpu().numpy(), compression="zlib")


def _draw(image: Source, label: Path, file: Path) -> None:
    with written_whole(file) as part:
        Image.fromarray(outlined(image, tifffile.imread(label))).save(part)
