"""One picture for a study of fine-tuning: image, what each model finds, truth, side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cellseg_monai.data import read_label_map
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.export.overlay import Colours
from cellseg_monai.jobs.prediction import outlined
from cellseg_monai.outputs import claim_file, written_whole

HEADING = 14


def overlay_strip(
    items: Sequence[Item], columns: Sequence[tuple[str, Path]], out: Path, longest: int = 256
) -> Path:
    """Draw a row for each image: the image, the outlines that each model found, those of the truth.

    Args:
        items: images with labels.
        columns: heading and folder of the label maps of each model.
        out: PNG file to write.
        longest: side of a picture, in pixels.

    Returns:
        The file.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> folder = Path(mkdtemp())
        >>> items = list_items(write_synthetic_dataset("nuclei", folder, count=2, size=(32, 48)))
        >>> sheet = overlay_strip(items, [("model", folder / "labels")], folder / "strip.png", longest=48)
        >>> Image.open(sheet).size
        (144, 78)
    """
    rows = []
    for item in items:
        name = Path(file_of(item)).stem
        found = [read_label_map(next(folder.rglob(f"{name}.tif"))) for _, folder in columns]
        maps = [np.zeros_like(found[0]), *found, read_label_map(item["label"])]
        rows.append([_small(outlined(file_of(item), labels), longest) for labels in maps])
    headings = ["image", *(heading for heading, _ in columns), "truth"]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (longest * len(headings), HEADING + sum(heights)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, heading in enumerate(headings):
        draw.text((place * longest + 4, 1), heading, fill="black")
    top = HEADING
    for row, height in zip(rows, heights, strict=True):
        for place, picture in enumerate(row):
            sheet.paste(picture, (place * longest, top))
        top += height
    with claim_file(out, "study"), written_whole(out) as part:
        sheet.save(part)
    return out


def _small(picture: Colours, longest: int) -> Image.Image:
    small = Image.fromarray(picture)
    small.thumbnail((longest, longest))
    return small
