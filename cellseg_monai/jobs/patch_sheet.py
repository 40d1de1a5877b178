"""Random training patches of a dataset on one sheet, scaled and outlined."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.transforms import Compose, LoadImaged
from PIL import Image

from cellseg_monai.colours import Colours
from cellseg_monai.data import MicroscopyReader, labelled, list_items
from cellseg_monai.export import class_picture, contact_sheet, outline, with_class_legend
from cellseg_monai.jobs.files.planes import displayed
from cellseg_monai.outputs import StrPath, claim_file, require_free, written_whole
from cellseg_monai.transforms import MatchChannelsd, RandBalancedPatchesd, class_target

SIDE = 256
"""Side of a drawn patch in pixels."""


def preview(
    source: StrPath,
    out: StrPath,
    *,
    patch_size: int = 128,
    scale: float = 1.0,
    classes: Mapping[str, int] | None = None,
    count: int = 32,
    seed: int = 0,
) -> Path:
    """Draw random training patches of a dataset with the outlines of their objects.

    As in training, a third of the patches has no object, a third few objects, and a third many. Each patch
    has the pixels that the network sees, magnified by whole numbers.

    Args:
        source: dataset as in :func:`~cellseg_monai.data.list_items`.
        out: PNG file to write.
        patch_size: side of a patch in pixels of the image.
        scale: size of the image for the network, relative to the file.
        classes: class of each value of the masks, if they hold classes instead of objects; they are drawn in
            their colours, with a legend.
        count: number of patches, spread over the images.
        seed: seed of the random choice of patches.

    Returns:
        Path of the sheet.

    Raises:
        ValueError: no image has a label, or a file cannot be read.

    Example:
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> source = write_synthetic_dataset("nuclei", folder, count=2, size=(64, 96))
        >>> sheet = preview(source, folder / "patches.png", patch_size=32, count=8)
        >>> Image.open(sheet).size
        (2066, 260)
    """
    require_free(Path(out).parent, "preview", [Path(out).name])
    if not scale > 0:
        raise ValueError(f"scale={scale} must be above 0")
    items = labelled(list_items(source))[:count]
    per_image = -(-count // len(items))
    load = Compose(
        [
            LoadImaged("image", reader=MicroscopyReader(), ensure_channel_first=True),
            LoadImaged("label", reader=MicroscopyReader("label"), ensure_channel_first=True, dtype=np.int32),
            lambda item: item | {"image": displayed(item["image"])},
            MatchChannelsd("image", channels=3),
            RandBalancedPatchesd(["image", "label"], "label", patch_size, num_samples=per_image),
        ]
    ).set_random_state(seed)
    patches = [patch for item in items for patch in load(item)]
    sheet = contact_sheet([_drawn(patch, scale, classes) for patch in patches[:count]])
    if classes is not None:
        sheet = with_class_legend(sheet, {number: f"value {value}" for value, number in classes.items()})
    with claim_file(out, "preview") as path, written_whole(path) as part:
        Image.fromarray(sheet).save(part)
    return path


def _drawn(patch: dict[str, Any], scale: float, classes: Mapping[str, int] | None) -> Colours:
    """The pixels of the network, magnified to about the side of a drawn patch, with outlines or classes."""
    pixels, labels = (np.asarray(patch[key]).T for key in ("image", "label"))  # (C, x, y) to rows and columns
    seen = max(1, round(len(pixels) * scale))
    side = seen * max(1, SIDE // seen)
    grey = Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))
    if seen != len(pixels):
        grey = grey.resize((seen, seen), Image.Resampling.BILINEAR)
    shown = np.asarray(grey.resize((side, side), Image.Resampling.NEAREST)) / 255
    resized = Image.fromarray(labels[..., 0].astype(np.int32)).resize((side, side), Image.Resampling.NEAREST)
    cells = np.asarray(resized)
    if classes is None:
        return outline(shown, cells, 1 if side == seen else 2)
    return class_picture(shown, np.maximum(class_target(cells[None], classes)[0], 0), {}, opacity=0.25)
