"""How much worse a trained bundle scores when the test images change."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile

from cellseg_monai.data import read_label_map
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.export import write_label_tiff
from cellseg_monai.export.report import Line, drawing, line_plot
from cellseg_monai.jobs.files.planes import read_planes
from cellseg_monai.jobs.scores.columns import Case, columns_of
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.outputs import write_text, written_whole
from cellseg_monai.studies.execution import folder_of
from cellseg_monai.studies.image_changes import CHANGES, UNCHANGED, Level, Pixels, levels_of
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.tables import METRICS, estimate
from cellseg_monai.studies.untrained import finished_weights

PLAIN, TEST, WRITTEN = "plain", "test", "written.json"
LOST, RECORD, PLOT = "robustness.csv", "robustness.json", "robustness.svg"
_CHANGES = {PLAIN: UNCHANGED, **CHANGES}


def robustness(
    recipe: Recipe,
    items: Sequence[Item],
    out: Path,
    levels: Mapping[str, Sequence[Level]] | None = None,
    weights: Path | None = None,
) -> list[Run]:
    """Plan a run for the unchanged images and for each level of each change; nothing is trained.

    The changed images are written to ``<out>/images``, once.

    Args:
        recipe: bundle and options; its first seed is the seed of the noise.
        items: labelled images.
        out: folder of the study.
        levels: levels to try by name of the change; no levels stand for those of :data:`CHANGES`. By default
            all changes.
        weights: file of the weights; by default those of the bundle.

    Raises:
        FileNotFoundError: If there are no weights.
        ValueError: If a change or level does not exist, two images have the same name, or the folder holds a
            study of other weights or images.

    Example:
        >>> robustness(Recipe(Path("bundles/unknown")), [], Path("out"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/models/model.pt is missing; train the bundle, or choose weights ...
    """
    asked = levels or dict.fromkeys(CHANGES, ())
    tried = [(name, level) for name, chosen in asked.items() for level in levels_of(name, chosen)]
    seed = recipe.seeds[0]
    network = finished_weights(recipe.bundle, items, out / RECORD, weights, seed=seed)
    runs = []
    for change, level in [(PLAIN, "–"), *tried]:
        name = change if change == PLAIN else f"{change}_{level}"
        changed = _changed(items, change, level, seed, out / "images" / name)
        factors = {"change": change, "level": level}
        runs.append(recipe.run(name, [], {TEST: changed}, factors, pretrained=network))
    return runs


def robustness_table(runs: Sequence[Run], images: pd.DataFrame, out: Path) -> pd.DataFrame:
    """Return one row per run: mean scores with 95 % intervals, and the similarity to the plain label maps.

    Args:
        runs: finished runs of :func:`robustness`.
        images: scores of every image, as :func:`~cellseg_monai.studies.gather` returns them.
        out: folder of the study.

    Returns:
        ``change``, ``level``, ``images``, and for each score its mean, ``_low`` and ``_high``. ``same_dice``
        and ``same_f1@0.5`` compare the label map of the changed image with that of the plain image, changed
        in the same way.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> folder = Path(mkdtemp())
        >>> items = list_items(write_synthetic_dataset("nuclei", folder, count=1, size=(32, 48)))
        >>> run = Recipe(Path("bundle")).run(PLAIN, [], {TEST: items}, {"change": PLAIN, "level": "–"})
        >>> found = folder_of(run, folder) / TEST / "labels" / "nuclei_000.tif"
        >>> found.parent.mkdir(parents=True)
        >>> write_label_tiff(found, read_label_map(items[0]["label"]))
        >>> images = pd.DataFrame({"run": [PLAIN], "dice": 1.0, "f1@0.5": 1.0})
        >>> robustness_table([run], images, folder)[["change", "images", "dice", "same_dice"]].values.tolist()
        [['plain', 1, 1.0, 1.0]]
    """
    plain = _label_maps(runs[0], out)
    rows = []
    for run in runs:
        own = images[images["run"] == run.name]
        row: dict[str, Any] = {**run.factors, "images": len(own)}
        for name in METRICS:
            mean = estimate(own, name)
            row |= {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}
        rows.append(row | _similarity(run, _label_maps(run, out), plain))
    return pd.DataFrame(rows)


def robustness_plot(table: pd.DataFrame) -> str:
    """Plot the scores against the level of each change that has an order, as one SVG file.

    Args:
        table: table from :func:`robustness_table`.

    Example:
        >>> rows = [("plain", "–", 0.9), ("blur", 2, 0.5)]
        >>> table = pd.DataFrame(rows, columns=["change", "level", "dice"]).assign(dice_low=0, dice_high=1)
        >>> robustness_plot(table).startswith("<svg")
        True
    """
    plain, changed = table[table["change"] == PLAIN], table[table["change"] != PLAIN]
    panels = []
    for name, rows in changed.groupby("change", sort=False):
        change = CHANGES[str(name)]
        if change.plain is not None:
            both = pd.concat([plain.assign(level=change.plain), rows]).astype({"level": float})
            panels.append(_panel(change.axis, both.sort_values("level")))
    return drawing(panels, "Scores when the image changes")


def _panel(axis: str, rows: pd.DataFrame) -> str:
    x = rows["level"].tolist()
    lines = [
        Line(words, x, *(rows[f"{name}{end}"].tolist() for end in ("", "_low", "_high")))
        for name, words in {"dice": "Dice", "f1@0.5": "F1 of cells"}.items()
        if name in rows and rows[name].notna().any()
    ]
    return line_plot(lines, axis, axis, "mean score", scores=True)


def _changed(items: Sequence[Item], name: str, level: Level, seed: int, folder: Path) -> list[Item]:
    """Write the changed images and label maps, unless they are there, and return them as items."""
    stems = [str(item["name"]).replace("/", "_") for item in items]
    if len(set(stems)) < len(stems):
        raise ValueError(f"images must have different names, not {sorted(stems)}")
    changed = []
    for number, (stem, item) in enumerate(zip(stems, items, strict=True)):
        image, label = (folder / part / f"{stem}.tif" for part in ("images", "masks"))
        changed.append({**item, "name": stem, "image": str(image), "label": str(label)})
        if not (folder / WRITTEN).is_file():
            pixels = read_planes(Path(file_of(item))).pixels
            _write_image(image, _CHANGES[name].of_image(pixels, level, seed + number))
            write_label_tiff(label, _CHANGES[name].of_labels(read_label_map(item["label"]), level))
    write_text(folder / WRITTEN, "{}")
    return changed


def _write_image(file: Path, pixels: Pixels) -> None:
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    axes, shown = ("CYX", pixels) if len(pixels) > 1 else ("YX", pixels[0])
    with written_whole(file) as part:
        tifffile.imwrite(part, shown, photometric="minisblack", compression="zlib", metadata={"axes": axes})


def _label_maps(run: Run, out: Path) -> list[LabelMap]:
    labels = folder_of(run, out) / TEST / "labels"
    return [read_label_map(labels / f"{item['name']}.tif") for item in run.tests[TEST]]


def _similarity(run: Run, maps: Sequence[LabelMap], plain: Sequence[LabelMap]) -> dict[str, float]:
    """Compare the label maps of changed images with those of the plain images, changed in the same way."""
    change, level = _CHANGES[run.factors["change"]], run.factors["level"]
    cases = [Case(found, change.of_labels(before, level)) for found, before in zip(maps, plain, strict=True)]
    columns = columns_of(METRICS)
    return {f"same_{column.name}": float(np.mean([*map(column.compute, cases)])) for column in columns}
