"""Segmentation of images by a bundle, or by weights with the settings beside them."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tifffile
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from PIL import Image

from cellseg_monai.colours import Colours
from cellseg_monai.data import Reading
from cellseg_monai.export import SaveTiffd, class_picture
from cellseg_monai.inference import EachImage, LargeImages
from cellseg_monai.inference.fixed_size import back_to_size, to_size
from cellseg_monai.jobs.files.inputs import Source, find_images, first_file
from cellseg_monai.jobs.files.planes import drawable, outlined
from cellseg_monai.jobs.files.stacks import why_in_parts
from cellseg_monai.networks import attention_maps
from cellseg_monai.outputs import Claim, Run, StrPath, claim_outputs, locked, written_whole
from cellseg_monai.outputs.counting import counted
from cellseg_monai.runtime import require_ids
from cellseg_monai.runtime.class_names import class_names
from cellseg_monai.runtime.finding import LARGE, Inference, find_inference
from cellseg_monai.runtime.overrides import literal, literal_options
from cellseg_monai.runtime.remote import on_cluster
from cellseg_monai.runtime.settings import PARTS
from cellseg_monai.runtime.workflow import inference_workflow, run_inference

logger = logging.getLogger(__name__)

_DIAMETER = "cell_diameter"
"""Id of the diameter of the cells, in the configurations of bundles that find it."""

LARGEST_WITH_ATTENTION = 4_000_000


def predict(
    bundle: StrPath,
    inputs: Sequence[StrPath],
    out: StrPath,
    *,
    device: str | None = None,
    tta: bool = False,
    save_probability: bool = False,
    overlay: bool = False,
    attention: bool = False,
    diameter: float | None = None,
    reading: Reading | None = None,
    options: Mapping[str, Any] | None = None,
    trust: bool = False,
    cluster: str | None = None,
) -> list[Path]:
    """Segment images with a trained bundle; the label maps are those of MONAI's own command.

    A stack is segmented plane by plane, with the intensity limits of the whole stack, and its cells are
    linked across z; a movie is segmented frame by frame, and an image that would not fit into memory tile by
    tile. Their label maps have the format of the file, TIFF, OME-Zarr, NIfTI or NRRD, with its spacing and
    orientation.

    A run that was killed goes on where it stopped: images that are done are kept, as long as the image, its
    label map, the weights and all options are the same. ``cellseg predict --status OUT`` shows how far it is.

    Args:
        bundle: folder of a bundle with its weights, a name in
            :func:`~cellseg_monai.runtime.known_bundles`, or weights: a file, or the folder of a training.
        inputs: images, folders of images, datasets, and patterns such as ``"day?/*.tif"``. Masks in a
            dataset are not segmented.
        out: output folder for ``labels/``, ``run.json``, ``timing.csv``, ``counts.csv`` with the number of
            cells in each image, and ``failures.csv``. Images keep their sub-folders below the folder that
            contains all of them.
        device: device such as ``"cpu"`` or ``"cuda:1"``; by default the GPU if there is one.
        tta: whether to average over flips and quarter turns.
        save_probability: whether to write probability maps as well, to ``probability/``.
        overlay: whether to draw the outlines of the cells on the images, in ``overlays/``; classes are
            tinted, with their names below the image.
        attention: whether to write the attention map of each gate, to ``attention/<image>/<gate>.tif``, for
            images of up to four megapixels. A report shows them.
        diameter: diameter of the cells in pixels, for a bundle that otherwise finds it.
        reading: names of the axes, and a choice of frame, plane and channels; by default all of each file.
        options: further values of ``inference.json`` by id, such as ``{"threshold": 0.4}``, or, for stacks
            and movies, of ``inference_large.json``, such as ``{"max_gap": 2}``.
        trust: whether to use the bundle and the weights without an audit; those of the package are trusted.
        cluster: Dask cluster whose workers segment one image each at a time: ``"local"`` or ``"local:N"`` for
            processes of this machine, ``"slurm:N"`` for jobs, or the address of a scheduler. All machines
            must see the images, the bundle and `out` by the same paths. Overlays and attention maps are drawn
            here, at the end.

    Returns:
        Files of the label maps.

    Raises:
        FileNotFoundError: the bundle, its weights or an input does not exist.
        ValueError: a stack, movie or slide is among the images, and an overlay or attention maps are
            requested; two images would have the same label map; ``inference.json`` has no such id; the
            network has no attention gates; there is no such device; `out` contains an image; or the audit
            refuses the bundle or the weights.
        RuntimeError: at the end, if an image failed.
        ConnectionError: the scheduler of the cluster does not answer any more.

    Example:
        >>> predict("bundles/unknown", ["a.tif"], "out")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown: there is no such bundle; give its folder, or one of ...
    """
    run = Run("predict", locals())
    reading = reading or Reading()
    sizes = {} if diameter is None else {_DIAMETER: diameter}
    inference = find_inference(bundle, {**(options or {}), **sizes, **reading.config}, trust)
    if cluster is not None:  # whose workers are in other folders
        out, inference = os.path.abspath(out), _by_absolute_paths(inference)
    images = find_images(inputs)
    in_parts = [(image, why) for image in images if (why := why_in_parts(image, reading))]
    if in_parts:
        inference = _in_parts(inference, *in_parts[0], drawn=overlay or attention)
    root = Path(os.path.commonpath([first_file(image).parent for image in images]))
    config = ConfigParser.load_config_files(inference.files)
    if sizes and _DIAMETER not in config:
        raise ValueError(
            f"{bundle}: segments all images at one scale, whatever the diameter of the cells; choose the "
            "scale with --set scale=0.5, or take a bundle that finds it, such as generalist_nuclei"
        )
    require_ids(config, inference.options, inference.files[0])
    places = {"bundle_root": inference.bundle, "dataset_dir": root, "data_root": root, "output_dir": out}
    switches = {"tta": tta, "save_probability": save_probability}
    values = {
        "settings#given": list(inference.options),
        **literal_options(inference.options),
        **{name: literal(str(path)) for name, path in places.items()},
        "items": [{"image": literal(image)} for image in images],
        **{name: True for name, on in switches.items() if on},  # otherwise the options decide
    }
    if device is not None:
        _require_device(device)
        values["device"] = f"$torch.device({device!r})"
    workflow = inference_workflow(inference.files, values)
    run.note(options=_resolved(workflow), device=_device_name(workflow))
    folder = Path(out) / "labels"
    if in_parts:
        paths = [workflow.parser.get_parsed_content("images").path_of(image) for image in images]
    else:
        paths = [SaveTiffd("pred", folder, root).path_of(first_file(image)) for image in images]
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in paths]
    results = [_Result(*each) for each in zip(images, paths, names, strict=True)]
    overlays = {f"overlays/{result.name}.png": result for result in results if overlay}
    sources = {name: result.file for name, result in overlays.items()}
    with locked(out), run.recorded(out), claim_outputs(out, "predict", overlays, sources=sources) as claim:
        try:
            if cluster is None:
                run_inference(workflow)
            else:
                _run_on(cluster, workflow, inference.files, values)
        finally:  # an image that fails does not stop the others
            for name, result in overlays.items():
                if result.labels.is_file():
                    drawn = _overlay(workflow, inference.bundle, result, reading)
                    with written_whole(claim.folder / name) as part:
                        Image.fromarray(drawn).save(part)
        for result in results if attention else ():
            _save_attention(workflow, result, claim)
    return paths


def _by_absolute_paths(inference: Inference) -> Inference:
    weights = inference.options.get("weights")
    if isinstance(weights, str | Path) and Path(weights).is_file():
        weights = os.path.abspath(weights)
    return Inference(
        Path(os.path.abspath(inference.bundle)),
        [os.path.abspath(file) for file in inference.files],
        inference.options | ({} if weights is None else {"weights": weights}),
    )


def _run_on(cluster: str, workflow: ConfigWorkflow, files: Sequence[str], values: Mapping[str, Any]) -> None:
    """Let the workers of a cluster do what the workflow would do here."""
    images = workflow.parser.get_parsed_content("images") if "images" in workflow.parser.config else None
    if not isinstance(images, EachImage | LargeImages):
        raise ValueError(f"{files[0]}: a cluster cannot run this inference, as its images are not EachImage")
    none = {"items": values["items"][:1]}  # each worker is told its images one by one
    perform = on_cluster(cluster, files, {**values, **none}, images.origin)
    if isinstance(images, LargeImages):
        images.run(workflow.parser.get_parsed_content("items"), perform)
    else:
        images.run(perform)


def _in_parts(inference: Inference, image: Source, why: str, *, drawn: bool) -> Inference:
    """Return the inference of a bundle with what it needs for stacks, movies and slides."""
    file = first_file(image)
    if drawn:
        raise ValueError(
            f"{file}: {why}, and overlays and attention maps are made of single planes that fit into memory; "
            "leave them out, or choose a plane with --z or a frame with --frame"
        )
    large = inference.bundle / LARGE
    if not large.is_file() or "max_gap" not in ConfigParser.load_config_file(large):
        raise ValueError(
            f"{file}: {why}, but {large} was made before stacks were known; render the bundle again "
            "(cellseg bundle render), or choose a plane with --z or a frame with --frame"
        )
    kept = {"output_ext": "$None"} | inference.options
    return inference._replace(files=[*inference.files, str(large)], options=kept)


class _Result(NamedTuple):
    image: Source
    labels: Path
    name: str

    @property
    def file(self) -> str:
        return str(first_file(self.image))


def _overlay(workflow: ConfigWorkflow, bundle: Path, result: _Result, reading: Reading) -> Colours:
    """The image with the outlines of its cells, or with its classes and their names."""
    labels = tifffile.imread(result.labels)
    decoding = workflow.parser.get_parsed_content("decoding")
    if getattr(decoding, "decodes", "") == "classes":
        return class_picture(drawable(result.image, reading), labels, class_names(bundle) or None)
    return outlined(result.image, labels, reading)


def _resolved(workflow: ConfigWorkflow) -> dict[str, Any]:
    """Values that count, given or kept with the weights."""
    parser = workflow.parser
    if "settings" not in parser.config:  # a bundle that was not made here
        return {}
    settings = vars(parser.get_parsed_content("settings"))
    changeable = {name for name in settings if name in parser.config and name not in PARTS}
    values = {name: parser.get_parsed_content(name) for name in changeable}
    return {"resolved": settings | values}


def _device_name(workflow: ConfigWorkflow) -> str:
    device = torch.device(workflow.parser.get_parsed_content("device"))
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def _require_device(name: str) -> None:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device={name!r}: there is no such device; choose cpu, cuda or cuda:1") from error
    if device.type == "cuda" and (device.index or 0) >= (gpus := torch.cuda.device_count()):
        raise ValueError(f"device={name!r}: PyTorch finds {counted(gpus, 'GPU')} here; leave the device out")


def _save_attention(workflow: ConfigWorkflow, result: _Result, claim: Claim) -> None:
    """Write the attention maps of an image, which the network processes as a whole."""
    parts = ("network", "preprocessing", "inferer")
    network, read, inferer = (workflow.parser.get_parsed_content(part) for part in parts)
    pixels = read({"image": result.image})["image"]
    if pixels[0].numel() > LARGEST_WITH_ATTENTION:
        logger.info("%s: no attention maps, as the image has more than four megapixels", result.file)
        return
    image = pixels.as_tensor()[None].to(next(network.parameters()).device)
    maps = attention_maps(network, to_size(image, getattr(inferer, "resize", None)))
    files = {f"attention/{result.name}/{gate}.tif": weights for gate, weights in maps.items()}
    claim.add(files, dict.fromkeys(files, result.file))
    for name, weights in files.items():
        with written_whole(claim.folder / name) as part:
            own = back_to_size(weights, image.shape[2:])
            tifffile.imwrite(part, own[0, 0].T.cpu().numpy(), compression="zlib")
