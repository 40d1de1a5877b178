"""What a trained bundle loses when the images change: the test images, changed, segmented and scored."""

import json
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
from cellseg_monai.jobs.files.companions import read_planes
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores
from cellseg_monai.outputs import write_text, written_whole
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.provenance import hash_of
from cellseg_monai.studies.changes import CHANGES, Level, Pixels
from cellseg_monai.studies.execution import folder_of
from cellseg_monai.studies.gathering import METRICS, estimate
from cellseg_monai.studies.run import Run

PLAIN, TEST, WRITTEN = "plain", "test", "written.json"
LOST, RECORD, PLOT = "robustness.csv", "robustness.json", "robustness.svg"


def robustness(
    bundle: Path,
    items: Sequence[Item],
    out: Path,
    levels: Mapping[str, Sequence[Level]] | None = None,
    weights: Path | None = None,
    options: Mapping[str, Any] | None = None,
    seed: int = 0,
    pieces: bool = False,
) -> list[Run]:
    """A run for the plain images and for each level of each change; nothing is trained.

    The changed images are written to ``<out>/images``, once.

    Args:
        bundle: its folder.
        items: labelled images.
        out: folder of the study.
        levels: of the changes to try, by name; of an empty sequence those of :data:`CHANGES`, and by default
            all of them.
        weights: of the network, if not those of the bundle.
        options: of the bundle, by id.
        seed: of the noise.
        pieces: binary masks, whose connected pieces are the objects.

    Raises:
        FileNotFoundError: there are no weights.
        ValueError: there is no such change or level, two images have one name, or the folder holds a study of
            other weights or images.

    Example:
        >>> robustness(Path("bundles/unknown"), [], Path("out"))
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/models/model.pt is missing; train the bundle, or give its weights
    """
    network = weights or bundle / "models/model.pt"
    if not network.is_file():
        raise FileNotFoundError(f"{network} is missing; train the bundle, or give its weights")
    tried = _levels(levels or dict.fromkeys(CHANGES, ()))
    _record(out / RECORD, network, items, seed)
    return [
        Run(
            name=_name(change, level),
            bundle=bundle,
            train=[],
            tests={TEST: _changed(items, change, level, seed, out / "images" / _name(change, level))},
            options=dict(options or {}),
            pretrained=network,
            factors={"change": change, "level": level},
            pieces=pieces,
        )
        for change, level in [(PLAIN, "–"), *tried]
    ]


def robustness_table(runs: Sequence[Run], images: pd.DataFrame, out: Path) -> pd.DataFrame:
    """One row a run: means with their 95 % intervals, and how alike the label maps stay.

    Args:
        runs: of :func:`robustness`, that are done.
        images: what :func:`gather` gave.
        out: folder of the study.

    Returns:
        ``change``, ``level``, ``images``, for each score its mean, ``_low`` and ``_high``; and ``same_dice``
        and ``same_f1@0.5``: the label map of a changed image against that of the plain one, changed alike.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> folder = Path(mkdtemp())
        >>> items = list_items(write_synthetic_dataset("nuclei", folder, count=1, size=(32, 48)))
        >>> factors = {"change": PLAIN, "level": "–"}
        >>> run = Run(PLAIN, Path("bundle"), [], {TEST: items}, factors=factors)
        >>> found = folder_of(run, folder) / TEST / "labels" / "nuclei_000.tif"
        >>> found.parent.mkdir(parents=True)
        >>> write_label_tiff(found, read_label_map(items[0]["label"]))
        >>> images = pd.DataFrame({"run": [PLAIN], "dice": 1.0, "f1@0.5": 1.0})
        >>> robustness_table([run], images, folder)[["change", "images", "dice", "same_dice"]].values.tolist()
        [['plain', 1, 1.0, 1.0]]
    """
    plain = _maps(runs[0], out)
    rows = []
    for run in runs:
        own = images[images["run"] == run.name]
        row: dict[str, Any] = {**run.factors, "images": len(own)}
        for name in METRICS:
            mean = estimate(own, name)
            row |= {name: mean.value, f"{name}_low": mean.low, f"{name}_high": mean.high}
        rows.append(row | _likeness(run, _maps(run, out), plain))
    return pd.DataFrame(rows)


def robustness_plot(table: pd.DataFrame) -> str:
    """Scores against the level of each change that has an order, as one SVG file.

    Args:
        table: what :func:`robustness_table` gave.

    Example:
        >>> rows = [("plain", "–", 0.9), ("blur", 2, 0.5)]
        >>> table = pd.DataFrame(rows, columns=["change", "level", "dice"]).assign(dice_low=0, dice_high=1)
        >>> robustness_plot(table).startswith("<svg")
        True
    """
    panels = []
    for change in (name for name in table["change"].unique() if name != PLAIN):
        plain = CHANGES[change].plain
        if plain is not None:
            here = table[table["change"] == change]
            both = pd.concat([table[table["change"] == PLAIN].assign(level=plain), here])
            both = both.assign(level=both["level"].astype(float)).sort_values("level")
            panels.append(_panel(CHANGES[change].axis, both))
    return drawing(panels, "Scores when the image changes")


def _panel(axis: str, rows: pd.DataFrame) -> str:
    names = {"dice": "Dice", "f1@0.5": "F1 of cells"}
    lines = [
        Line(words, *(rows[f"{name}{end}"].tolist() for end in ("", "_low", "_high")))
        for name, words in names.items()
        if name in rows and rows[name].notna().any()
    ]
    x = rows["level"].tolist()
    return line_plot([Line(line[0], x, *line[1:4]) for line in lines], axis, axis, "mean score", scores=True)


def _levels(asked: Mapping[str, Sequence[Level]]) -> list[tuple[str, Level]]:
    tried: list[tuple[str, Level]] = []
    for name, levels in asked.items():
        if name not in CHANGES:
            raise ValueError(f"there is no change {name!r}; choose of {', '.join(CHANGES)}")
        tried += [(name, level) for level in levels or CHANGES[name].levels]
    for name, level in tried:
        _require_level(name, level)
    return tried


def _require_level(name: str, level: Level) -> None:
    known, ordered = CHANGES[name].levels, CHANGES[name].plain is not None
    if not ordered and level not in known:
        raise ValueError(f"there is no {name} {level!r}; choose of {', '.join(map(str, known))}")
    if ordered and (isinstance(level, str) or not level > 0):
        raise ValueError(f"a level of {name} is a number above 0, not {level!r}")
    if name == "jpeg" and float(level) > 100:
        raise ValueError(f"a level of jpeg is a number up to 100, not {level!r}")


def _name(change: str, level: Level) -> str:
    return change if change == PLAIN else f"{change}_{level}"


def _record(file: Path, weights: Path, items: Sequence[Item], seed: int) -> None:
    """What the study is of, so that it does not go on with something else."""
    files = [Path(path) for item in items for path in (file_of(item), item["label"])]
    now = {"weights": digest_of(weights), "images": hash_of(files), "seed": seed}
    if file.is_file():
        before = json.loads(file.read_text())
        differ = sorted(key for key in now if before.get(key) != now[key])
        if differ:
            raise ValueError(
                f"{file.parent}: holds a study of other {', '.join(differ)}; give another --out, or delete it"
            )
    write_text(file, json.dumps(now, indent=1))


def _changed(items: Sequence[Item], change: str, level: Level, seed: int, folder: Path) -> list[Item]:
    """The changed images and their labels, as a dataset."""
    names = [str(item["name"]).replace("/", "_") for item in items]
    if len(set(names)) < len(names):
        raise ValueError(f"images need different names, not {sorted(names)}")
    changed = []
    for number, (name, item) in enumerate(zip(names, items, strict=True)):
        image, label = (folder / part / f"{name}.tif" for part in ("images", "masks"))
        changed.append({**item, "name": name, "image": str(image), "label": str(label)})
        if (folder / WRITTEN).is_file():
            continue
        pixels, labels = read_planes(Path(file_of(item))).pixels, read_label_map(item["label"])
        if change != PLAIN:
            pixels = CHANGES[change].of_image(pixels, level, seed + number)
            labels = CHANGES[change].of_labels(labels, level)
        _write(image, pixels)
        write_label_tiff(label, labels)
    write_text(folder / WRITTEN, "{}")
    return changed


def _write(file: Path, pixels: Pixels) -> None:
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8) * 255
    axes, shown = ("CYX", pixels) if len(pixels) > 1 else ("YX", pixels[0])
    with written_whole(file) as part:
        tifffile.imwrite(part, shown, photometric="minisblack", compression="zlib", metadata={"axes": axes})


def _maps(run: Run, out: Path) -> list[LabelMap]:
    labels = folder_of(run, out) / TEST / "labels"
    return [read_label_map(labels / f"{item['name']}.tif") for item in run.tests[TEST]]


def _likeness(run: Run, maps: Sequence[LabelMap], plain: Sequence[LabelMap]) -> dict[str, float]:
    """How alike the label maps of the changed images are to those of the plain ones."""
    change, level = run.factors["change"], run.factors["level"]
    move = CHANGES[change].of_labels if change != PLAIN else lambda labels, level: labels
    pairs = [(found, move(before, level)) for found, before in zip(maps, plain, strict=True)]
    return {
        "same_dice": float(np.mean([pixel_scores(pixel_counts(*pair)).dice[0] for pair in pairs])),
        "same_f1@0.5": float(np.mean([instance_scores(instance_counts(*pair, 0.5)).f1[0] for pair in pairs])),
    }
