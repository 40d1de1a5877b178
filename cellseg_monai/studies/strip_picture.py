"""One picture of a fine-tuning study: image, prediction of each model and truth, side by side."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from cellseg_monai.data import read_label_map
from cellseg_monai.data.datalist import Item, file_of
from cellseg_monai.jobs.files.planes import outlined
from cellseg_monai.outputs import claim_file, written_whole

HEADING = 14
"""Height of the headings in pixels."""


def overlay_strip(
    items: Sequence[Item], columns: Sequence[tuple[str, Path]], out: Path, longest: int = 256
) -> Path:
    """Draw a row for each image: the image, the outlines of each model, and the true outlines.

    Args:
        items: labelled images.
        columns: heading, and folder of label maps, for each model.
        out: PNG file to write.
        longest: longest side of a picture in pixels.

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
    headings = ["image", *(heading for heading, _ in columns), "truth"]
    rows = [_pictures(item, [folder for _, folder in columns], longest) for item in items]
    heights = [max(picture.height for picture in row) for row in rows]
    sheet = Image.new("RGB", (longest * len(headings), HEADING + sum(heights)), "white")
    draw = ImageDraw.Draw(sheet)
    for column, heading in enumerate(headings):
        draw.text((column * longest + 4, 1), heading, fill="black")
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            sheet.paste(picture, (column * longest, HEADING + sum(heights[:number])))
    with claim_file(out, "study"), written_whole(out) as part:
        sheet.save(part)
    return out


def _pictures(item: Item, folders: Sequence[Path], longest: int) -> list[Image.Image]:
    """Return the plain image, and the image with the outlines of each label map and of the truth."""
    file, truth = file_of(item), read_label_map(item["label"])
    found = [read_label_map(next(folder.rglob(f"{Path(file).stem}.tif"))) for folder in folders]
    pictures = []
    for labels in [np.zeros_like(truth), *found, truth]:
        pictures.append(Image.fromarray(outlined(file, labels)))
        pictures[-1].thumbnail((longest, longest))
    return pictures
