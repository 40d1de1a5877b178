"""The model description of bioimage.io, format 0.5, made by ``bioimageio.spec``, which validates it."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.bundling.bioimage.exported import Exported
from cellseg_monai.bundling.bioimage.network import ONNX_OPSET
from cellseg_monai.bundling.bioimage.sample import EPSILON

_MONAI = {
    "text": "Cardoso et al.: MONAI: An open-source framework for deep learning in healthcare",
    "doi": "10.48550/arXiv.2211.02701",
}
_DOI = re.compile(r"10\.\d{4,9}/[^\s,;]+[^\s,;.)]")
_ARXIV = re.compile(r"arxiv[\s:./a-z]*?(\d{4}\.\d{4,5})", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s,;]+[^\s,;.)]")


def description(exported: Exported, files: Path, licence: str) -> Any:
    """Describe the files of a package.

    Args:
        exported: the bundle.
        files: folder with ``model.ts``, ``input.npy``, ``output.npy``, ``cover.png`` and ``README.md``; what
            else lies there but ``model.onnx`` is attached.
        licence: its identifier of SPDX.

    Returns:
        ``ModelDescr`` of ``bioimageio.spec``.
    """
    from bioimageio.spec.model import v0_5

    metadata = exported.metadata
    named = {"model.ts", "model.onnx", "input.npy", "output.npy", "cover.png", "README.md"}
    return v0_5.ModelDescr.model_validate(
        {
            "type": "model",
            "format_version": v0_5.ModelDescr.implemented_format_version,
            "name": re.sub(r"[^A-Za-z0-9_+\- ()]+", " ", metadata["name"]),
            "description": metadata["description"],
            "version": metadata["version"],
            "authors": [{"name": name} for name in _authors(metadata)],
            "cite": citations(metadata),
            "license": licence,
            "tags": _tags(exported),
            "documentation": {"source": files / "README.md"},
            "covers": [{"source": files / "cover.png"}],
            "attachments": [{"source": file} for file in sorted(files.iterdir()) if file.name not in named],
            "inputs": [_input(exported, files)],
            "outputs": [_output(exported, files)],
            "weights": _weights(files),
        }
    )


def citations(metadata: Mapping[str, Any]) -> list[dict[str, str]]:
    """The references of a bundle that have a DOI, a number of arXiv or an address, and MONAI.

    Example:
        >>> citations({"references": ["Oktay et al.: Attention U-Net, arXiv 1804.03999", "A talk"]})[0]["doi"]
        '10.48550/arXiv.1804.03999'
    """
    found = []
    for text in map(str, metadata.get("references", [])):
        doi, arxiv, url = (pattern.search(text) for pattern in (_DOI, _ARXIV, _URL))
        if doi or arxiv:
            found.append(
                {"text": text, "doi": doi[0] if doi else f"10.48550/arXiv.{arxiv[1]}" if arxiv else ""}
            )
        elif url:
            found.append({"text": text, "url": url[0]})
    return [*found, _MONAI]


def _authors(metadata: Mapping[str, Any]) -> list[str]:
    return [name.strip().replace("/", "-") for name in re.split(r"[;,]", metadata["authors"]) if name.strip()]


def _tags(exported: Exported) -> list[str]:
    what = ["nuclei"] if "nuclei" in exported.metadata["description"].lower() else []
    colour = "whole-slide-imaging" if exported.channels == 3 else "fluorescence-light-microscopy"
    kind = "semantic-segmentation" if exported.output.names[0] == "class 0" else "instance-segmentation"
    return ["2d", "cells", *what, colour, kind, "pytorch", "unet", "monai", "cellseg_monai"]


def _input(exported: Exported, files: Path) -> dict[str, Any]:
    stretch = exported.stretch
    size = {"min": exported.side, "step": exported.step} if exported.step else exported.side
    names = exported.metadata["network_data_format"]["inputs"]["image"].get("channel_def", {})
    return {
        "id": "image",
        "description": "raw intensities",
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": _identifiers(names, exported.channels)},
            *({"type": "space", "id": axis, "size": size, "concatenable": True} for axis in "yx"),
        ],
        "data": {"type": "float32"},
        "test_tensor": {"source": files / "input.npy"},
        "preprocessing": [
            {
                "id": "scale_range",
                "kwargs": {
                    "axes": ["y", "x"] if stretch.channel_wise else ["channel", "y", "x"],
                    "min_percentile": stretch.lower,
                    "max_percentile": stretch.upper,
                    "eps": EPSILON,
                },
            },
            {"id": "clip", "kwargs": {"min": 0.0, "max": 1.0}},
        ],
    }


def _output(exported: Exported, files: Path) -> dict[str, Any]:
    output = exported.output
    probability = {"type": "float32", "range": [0.0, 1.0]}
    data = [probability if name != "distance" else {"type": "float32"} for name in output.names]
    sides = [{"type": "space", "id": axis, "halo": exported.halo} for axis in "yx"]
    for side in sides:
        side["size"] = {"tensor_id": "image", "axis_id": side["id"]}
    operations = {
        "sigmoid": [{"id": "sigmoid"}],
        "softmax": [{"id": "softmax", "kwargs": {"axis": "channel"}}],
        "first": [],
    }
    return {
        "id": "prediction",
        "description": ", ".join(output.names)[:128],
        "axes": [
            {"type": "batch"},
            {"type": "channel", "channel_names": [name.replace(" ", "_") for name in output.names]},
            *sides,
        ],
        "data": data,
        "test_tensor": {"source": files / "output.npy"},
        "postprocessing": operations[output.activation],
    }


def _weights(files: Path) -> dict[str, Any]:
    version = torch.__version__.partition("+")[0]
    weights: dict[str, Any] = {"torchscript": {"source": files / "model.ts", "pytorch_version": version}}
    if (files / "model.onnx").is_file():
        weights["onnx"] = {
            "source": files / "model.onnx",
            "opset_version": ONNX_OPSET,
            "parent": "torchscript",
        }
    return weights


def _identifiers(names: Mapping[str, str], channels: int) -> list[str]:
    """Names of the channels in order, or numbers where they are not told."""
    told = [str(names.get(str(number), "")) for number in range(channels)]
    return told if all(told) else [f"channel{number}" for number in range(channels)]
