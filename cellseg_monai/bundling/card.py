"""The content of ``docs/results.json`` as text for the card, and as values for the metadata."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.export.markdown import markdown

RESULTS = Path("docs/results.json")
"""File in a bundle with the results that card and metadata quote."""

Results = dict[str, Any]
WIDTH = 80
NO_WEIGHTS = "No weights are shipped yet: train first."

_LEVELS = """Brightness, noise (of the contrast) and pixel size are in %, blur is a sigma in pixels, JPEG a
quality. The last columns compare the label map of the changed image with that of the plain image, changed in
the same way."""
_KEY = "Outlines: found cells in green, missed in orange, added in blue, split in yellow, merged in purple."


def read_results(bundle: Path) -> Results | None:
    """Results of a bundle; None if it has none."""
    file = bundle / RESULTS
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def eval_metrics(results: Results) -> dict[str, Any]:
    """Values for ``metadata.json``: image and cell counts of each test set, and scores with intervals.

    Example:
        >>> score = {"mean": 0.97, "low": 0.96, "high": 0.98, "median": 0.97, "worst": 0.95}
        >>> test = {"name": "nuclei", "images": 10, "cells": None, "scores": {"dice": score}}
        >>> eval_metrics({"tests": [test]})
        {'nuclei': {'images': 10, 'dice': 0.97, 'dice_interval': [0.96, 0.98]}}
    """
    return {test["name"]: _metrics_of(test) for test in results["tests"]}


def _metrics_of(test: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {name: test[name] for name in ("images", "cells") if test[name] is not None}
    for name, score in test["scores"].items():
        metrics[name] = score["mean"]
        if score["low"] is not None:
            metrics[f"{name}_interval"] = [score["low"], score["high"]]
    return metrics


def card_parts(
    results: Results, name: str, metadata: Mapping[str, Any], inference: Mapping[str, Any]
) -> dict[str, str]:
    """Text for each placeholder of ``_base/results.md``.

    Args:
        results: content of ``docs/results.json``.
        name: name of the bundle folder.
        metadata: content of ``metadata.json``.
        inference: content of ``inference.json``.
    """
    training, weights = results["training"], results["weights"]
    return {
        "name": name,
        "megabytes": f"{weights['bytes'] / 1e6:.1f}",
        "parameters": f"{weights['parameters']:,}",
        "dtype": weights["dtype"],
        "data_source": metadata.get("data_source", "not stated"),
        "intended_use": metadata.get("intended_use", "not stated"),
        "preprocessing": describe_preprocessing(inference.get("settings", inference)),
        **{key: _text(training[key], "not recorded") for key in ("seed", "images", "hardware")},
        "time": duration(training["seconds"]),
        "energy": energy(training["seconds"], training["watts"]),
        "training_command": _block(training["command"]),
        "scores": "\n\n".join(map(_scores, results["tests"])),
        "options": _options(results["tests"]),
        "worst": _worst(results["worst"]),
        "robustness": _robustness(results["robustness"]),
    }


def _options(tests: Sequence[Mapping[str, Any]]) -> str:
    """Options of ``cellseg evaluate`` that the tests had."""
    modality = next((test["modality"] for test in tests if test.get("modality")), None)
    classes: Mapping[str, Any] = next((test["classes"] for test in tests if test.get("classes")), {})
    listed = "".join(f" {value}={name}" for value, name in classes.items())
    return (f' --modality "{modality}"' if modality else "") + (f" --classes{listed}" if listed else "")


def describe_preprocessing(inference: Mapping[str, Any]) -> str:
    """Preprocessing of an image in words, from the settings that all bundles have.

    Example:
        >>> settings = {"in_channels": 3, "percentiles": [1, 99], "nonzero": True, "scale": 0.5}
        >>> describe_preprocessing(settings)
        '3 channels, each stretched between percentiles 1 and 99 of its pixels above zero; at 0.5 of its size'
    """
    channels, scale = inference.get("in_channels", 1), inference.get("scale", 1)
    words = "1 channel" if channels == 1 else f"{channels} channels"
    if "percentiles" in inference:
        low, high = inference["percentiles"]
        words += f", {'' if channels == 1 else 'each '}stretched between percentiles {low:g} and {high:g}"
        words += " of its pixels above zero" if inference.get("nonzero") else ""
    return words if scale == 1 else f"{words}; at {scale:g} of its size"


def duration(seconds: float | None) -> str:
    """A duration in words.

    Example:
        >>> duration(572.4), duration(7265), duration(None)
        ('9 min 32 s', '2 h 1 min', 'not recorded')
    """
    if seconds is None:
        return "not recorded"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def energy(seconds: float | None, watts: float | None) -> str:
    """Estimate of the energy, from time and power.

    Example:
        >>> energy(7200, 65), energy(7200, None)
        ('about 0.13 kWh: an estimate, 7,200 s at 65 W', 'not estimated, because the power is unknown')
    """
    if seconds is None or watts is None:
        return f"not estimated, because the {'time' if seconds is None else 'power'} is unknown"
    return f"about {seconds * watts / 3.6e6:.2g} kWh: an estimate, {seconds:,.0f} s at {watts:g} W"


def _scores(test: Mapping[str, Any]) -> str:
    cells = "" if test["cells"] is None else f", {test['cells']:,} cells"
    rows = [{"name": name, "interval": _interval(score), **score} for name, score in test["scores"].items()]
    columns = {
        "name": "", "mean": "mean", "interval": "95 % interval", "median": "median", "worst": "worst image",
    }  # fmt: skip
    text = f"On {test['name']} ({test['images']} images{cells}):\n\n{_table(rows, columns)}"
    modalities = test.get("modalities")
    columns = {name: name for name in modalities[0]} | {"modality": "kind of image"} if modalities else {}
    return f"{text}\n\n{_table(modalities, columns)}" if modalities else text


def _worst(images: Sequence[Mapping[str, Any]]) -> str:
    if not images:
        return "Not recorded."
    columns = {name: name for name in images[0] if name not in ("test", "picture")}
    text = f"Of {images[0]['test']}:\n\n{_table(images, columns)}"
    pictures = "\n".join(f"![{row['image']}]({row['picture']})" for row in images if "picture" in row)
    return f"{text}\n\n{_KEY}\n\n{pictures}" if pictures else text


def _robustness(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    scores = [name for name in ("dice", "f1@0.5") if name in rows[0]]
    columns = {name: name for name in ("change", "level", *scores)}
    columns |= {f"same_{name}": f"{name} against plain" for name in scores}
    return (
        "### When the image changes\n\n![Scores when the image changes](robustness.svg)\n\n"
        f"{_table(rows, columns)}\n\n{_LEVELS}\n\n"
    )


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """Table of rows, with the heading of each column by its name."""
    return markdown(list(columns.values()), [[_text(row.get(name)) for name in columns] for row in rows])


def _block(command: str | None) -> str:
    if command is None:
        return "The command was not recorded."
    lines = [""]
    for word in command.split(" "):
        if word.startswith("--") and len(lines[-1]) > WIDTH:
            lines.append("    ")
        lines[-1] += f" {word}"
    text = " \\\n".join(line.removeprefix(" ") for line in lines)
    return f"```bash\n{text}\n```"


def _text(value: Any, missing: str = "–") -> str:
    """A value as text, with four digits for a score."""
    return missing if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


def _interval(score: Mapping[str, Any]) -> str:
    return "–" if score["low"] is None else f"{_text(score['low'])} to {_text(score['high'])}"
