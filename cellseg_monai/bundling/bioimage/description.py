"""The model description of bioimage.io in format 0.5; ``bioimageio.spec`` validates it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from cellseg_monai.bundling.bioimage.exported import Exported
from cellseg_monai.bundling.bioimage.network import ONNX_OPSET
from cellseg_monai.bundling.bioimage.sample import EPSILON

_MONAI = {
    "text": "Cardoso et al.: MONAI: An open-source framework for deep learning in healthcare",
    "doi": "10.48550/arXiv.2211.02701",
}
_TEMPLATE = Path(__file__).with_name("description.yaml")
_LINKS = (
    (re.compile(r"(10\.\d{4,9}/[^\s,;]+[^\s,;.)])"), "doi", "{}"),
    (re.compile(r"arxiv[\s:./a-z]*?(\d{4}\.\d{4,5})", re.IGNORECASE), "doi", "10.48550/arXiv.{}"),
    (re.compile(r"(https?://[^\s,;]+[^\s,;.)])"), "url", "{}"),
)
"""Patterns of a DOI, an arXiv number and an address, and the fields for them."""


def description(exported: Exported, files: Path, licence: str) -> Any:
    """Describe the files of a package.

    Args:
        exported: bundle.
        files: folder with ``model.ts``, ``input.npy``, ``output.npy``, ``cover.png`` and ``README.md``, and
            perhaps ``model.onnx``; other files become attachments.
        licence: SPDX identifier of the licence.

    Returns:
        ``ModelDescr`` of ``bioimageio.spec``.
    """
    from bioimageio.spec.model import v0_5

    metadata, stretch, names = exported.metadata, exported.stretch, exported.output.names
    source = {"readme": "README.md", "cover": "cover.png", "input": "input.npy", "prediction": "output.npy"}
    named = {*source.values(), "model.ts", "model.onnx"}
    softmax = {"id": "softmax", "kwargs": {"axis": "channel"}}
    activation = softmax if exported.decode.background_first else {"id": "sigmoid"}
    values = {
        "format_version": v0_5.ModelDescr.implemented_format_version,
        "name": re.sub(r"[^A-Za-z0-9_+\- ()]+", " ", metadata["name"]),
        "description": metadata["description"],
        "version": metadata["version"],
        "authors": [
            {"name": name.strip().replace("/", "-")}
            for name in re.split(r"[;,]", metadata["authors"])
            if name.strip()
        ],
        "cite": citations(metadata),
        "licence": licence,
        "tags": _tags(exported),
        "attachments": [{"source": file} for file in sorted(files.iterdir()) if file.name not in named],
        "input_channels": _input_channels(exported),
        "size": {"min": exported.side, "step": exported.step} if exported.step else exported.side,
        "stretched_axes": [*([] if stretch.channel_wise else ["channel"]), "y", "x"],
        "lower": stretch.lower,
        "upper": stretch.upper,
        "epsilon": EPSILON,
        "output": ", ".join(names)[:128],
        "output_channels": [name.replace(" ", "_") for name in names],
        "output_data": [
            {"type": "float32", **({} if name == "distance" else {"range": [0.0, 1.0]})} for name in names
        ],
        "halo": exported.halo,
        "postprocessing": [] if exported.first_is_logit else [activation],
        "weights": _weights(files),
        **{name: files / file for name, file in source.items()},
    }
    template = yaml.safe_load(_TEMPLATE.read_text(encoding="utf-8"))
    return v0_5.ModelDescr.model_validate(_filled_in(template, values))


def _filled_in(template: Any, values: Mapping[str, Any]) -> Any:
    """Replace each text ``$name`` by its value."""
    if isinstance(template, dict):
        return {name: _filled_in(part, values) for name, part in template.items()}
    if isinstance(template, list):
        return [_filled_in(part, values) for part in template]
    is_name = isinstance(template, str) and template.startswith("$")
    return values[template[1:]] if is_name else template


def citations(metadata: Mapping[str, Any]) -> list[dict[str, str]]:
    """References of a bundle with a DOI, an arXiv number or an address, and MONAI.

    Example:
        >>> citations({"references": ["Oktay et al.: Attention U-Net, arXiv 1804.03999", "A talk"]})[0]["doi"]
        '10.48550/arXiv.1804.03999'
    """
    found: list[dict[str, str]] = []
    for text in map(str, metadata.get("references", [])):
        for pattern, name, form in _LINKS:
            if match := pattern.search(text):
                found.append({"text": text, name: form.format(match[1])})
                break
    return [*found, _MONAI]


def _tags(exported: Exported) -> list[str]:
    what = ["nuclei"] if "nuclei" in exported.metadata["description"].lower() else []
    colour = "whole-slide-imaging" if exported.channels == 3 else "fluorescence-light-microscopy"
    kind = "semantic-segmentation" if exported.output.names[0] == "class 0" else "instance-segmentation"
    return ["2d", "cells", *what, colour, kind, "pytorch", "unet", "monai", "cellseg_monai"]


def _weights(files: Path) -> dict[str, Any]:
    version = torch.__version__.partition("+")[0]
    weights: dict[str, Any] = {"torchscript": {"source": files / "model.ts", "pytorch_version": version}}
    onnx = files / "model.onnx"
    if onnx.is_file():
        weights["onnx"] = {"source": onnx, "opset_version": ONNX_OPSET, "parent": "torchscript"}
    return weights


def _input_channels(exported: Exported) -> list[str]:
    """Names of the channels in order, or numbers if a name is missing."""
    names = exported.metadata["network_data_format"]["inputs"]["image"].get("channel_def", {})
    given = [names.get(str(number)) for number in range(exported.channels)]
    return given if all(given) else [f"channel{number}" for number in range(exported.channels)]
