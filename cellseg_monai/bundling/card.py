"""What ``docs/results.json`` says, as text for the card and as numbers for the metadata."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.export.markdown import markdown

RESULTS = Path("docs/results.json")
"""In a bundle: what the card and the metadata quote."""

Results = dict[str, Any]
WIDTH = 80
_LEVELS = """Brightness, noise (of the contrast) and pixel size are in %, blur is a sigma in pixels, JPEG a
quality. The last columns: the label map of a changed image against that of the plain one, changed alike."""
_KEY = (
    "Outlined are found cells in green, missed in orange, added in blue, split in yellow, merged in purple."
)
NO_WEIGHTS = "No weights are shipped yet: train first."


def eval_metrics(results: Results) -> dict[str, Any]:
    """For ``metadata.json``: by test set the numbers of images and cells, and each score with its interval.

    Example:
        >>> score = {"mean": 0.97, "low": 0.96, "high": 0.98, "median": 0.97, "worst": 0.95}
        >>> test = {"name": "nuclei", "images": 10, "cells": None, "scores": {"dice": score}}
        >>> eval_metrics({"tests": [test]})
        {'nuclei': {'images': 10, 'dice': 0.97, 'dice_interval': [0.96, 0.98]}}
    """
    return {test["name"]: _metrics_of(test) for test in results["tests"]}


def _metrics_of(test: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: test[name] for name in ("images", "cells") if test[name] is not None}
    for name, score in test["scores"].items():
        told[name] = score["mean"]
        if score["low"] is not None:
            told[f"{name}_interval"] = [score["low"], score["high"]]
    return told


def card_parts(
    results: Results, name: str, metadata: Mapping[str, Any], inference: Mapping[str, Any]
) -> dict[str, str]:
    """What stands in the places of ``_base/results.md``.

    Args:
        results: content of ``docs/results.json``.
        name: of the bundle's folder.
        metadata: content of ``metadata.json``.
        inference: content of ``inference.json``.
    """
    training, weights = results["training"], results["weights"]
    return {
        "name": name,
        "megabytes": f"{weights['bytes'] / 1e6:.1f}",
        "numbers": f"{weights['numbers']:,}",
        "dtype": weights["dtype"],
        "data_source": metadata.get("data_source", "not stated"),
        "intended_use": metadata.get("intended_use", "not stated"),
        "preprocessing": preprocessing_in_words(inference.get("settings", inference)),
        "seed": _or_unknown(training["seed"]),
        "training_images": _or_unknown(training["images"]),
        "time": duration(training["seconds"]),
        "hardware": _or_unknown(training["hardware"]),
        "energy": energy(training["seconds"], training["watts"]),
        "training_command": _block(training["command"]),
        "scores": "\n\n".join(_scores(test) for test in results["tests"]),
        "modality": _modality_option(results["tests"]),
        "worst": _worst(results["worst"]),
        "robustness": _robustness(results["robustness"]),
    }


def preprocessing_in_words(inference: Mapping[str, Any]) -> str:
    """How an image comes to the network, by the values that all bundles have.

    Example:
        >>> preprocessing_in_words({"in_channels": 3, "percentiles": [1, 99], "nonzero": True, "scale": 0.5})
        '3 channels, each stretched between its percentiles 1 and 99 of the pixels above zero; at 0.5...'
    """
    channels = inference.get("in_channels", 1)
    told = "1 channel," if channels == 1 else f"{channels} channels, each"
    if "percentiles" in inference:
        low, high = inference["percentiles"]
        told += f" stretched between its percentiles {low:g} and {high:g}"
        told += " of the pixels above zero" if inference.get("nonzero") else ""
    scale = inference.get("scale", 1)
    return told.rstrip(",") + (f"; at {scale:g} of its size" if scale != 1 else "")


def duration(seconds: float | None) -> str:
    """Seconds in words.

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
    """Time by power, which is an estimate.

    Example:
        >>> energy(7200, 65), energy(7200, None)
        ('about 0.13 kWh: an estimate, 7,200 s at 65 W', 'not estimated, as the power was not stated')
    """
    if seconds is None or watts is None:
        return f"not estimated, as the {'time' if seconds is None else 'power'} was not stated"
    return f"about {seconds * watts / 3.6e6:.2g} kWh: an estimate, {seconds:,.0f} s at {watts:g} W"


def _scores(test: Mapping[str, Any]) -> str:
    cells = "" if test["cells"] is None else f", {test['cells']:,} cells"
    rows = [
        [name, _digits(score["mean"]), _interval(score), _digits(score["median"]), _digits(score["worst"])]
        for name, score in test["scores"].items()
    ]
    heading = ["", "mean", "95 % interval", "median", "worst image"]
    told = f"On {test['name']} ({test['images']} images{cells}):\n\n{markdown(heading, rows)}"
    return told + _modalities(test.get("modalities", []))


def _modalities(kinds: Sequence[Mapping[str, Any]]) -> str:
    if not kinds:
        return ""
    scores = [name for name in kinds[0] if name not in ("modality", "images")]
    rows = [[kind["modality"], kind["images"], *(_digits(kind[name]) for name in scores)] for kind in kinds]
    return f"\n\n{markdown(['kind of image', 'images', *scores], rows)}"


def _modality_option(tests: Sequence[Mapping[str, Any]]) -> str:
    """Of ``cellseg evaluate``, where an evaluation has found kinds of images by their names."""
    patterns = [test["modality"] for test in tests if test.get("modality")]
    return f' --modality "{patterns[0]}"' if patterns else ""


def _worst(images: Sequence[Mapping[str, Any]]) -> str:
    if not images:
        return "Not told."
    scores = [name for name in images[0] if name not in ("test", "image", "picture")]
    rows = [[row["image"], *(_digits(row[name]) for name in scores)] for row in images]
    told = f"Of {images[0]['test']}:\n\n{markdown(['image', *scores], rows)}"
    pictures = "\n".join(f"![{row['image']}]({row['picture']})" for row in images if "picture" in row)
    if not pictures:
        return told
    return f"{told}\n\n{_KEY}\n\n{pictures}"


def _robustness(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    scores = [name for name in ("dice", "f1@0.5") if name in rows[0]]
    agreeing = [f"same_{name}" for name in scores]
    lines = [
        [row["change"], row["level"], *(_digits(row.get(name)) for name in (*scores, *agreeing))]
        for row in rows
    ]
    heading = ["change", "level", *scores, *(f"{name} to plain" for name in scores)]
    return (
        "### When the image changes\n\n![Scores when the image changes](robustness.svg)\n\n"
        f"{markdown(heading, lines)}\n\n{_LEVELS}\n\n"
    )


def _block(command: str | None) -> str:
    if command is None:
        return "The command was not recorded."
    lines = [""]
    for word in command.split(" "):
        if word.startswith("--") and len(lines[-1]) > WIDTH:
            lines.append("    ")
        lines[-1] += f" {word}"
    told = " \\\n".join(line.removeprefix(" ") for line in lines)
    return f"```bash\n{told}\n```"


def _digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _interval(score: Mapping[str, Any]) -> str:
    return "–" if score["low"] is None else f"{_digits(score['low'])} to {_digits(score['high'])}"


def _or_unknown(value: Any) -> str:
    return "not recorded" if value is None else str(value)
