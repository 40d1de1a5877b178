"""Random training patches of a dataset on one sheet, scaled and outlined."""

from pathlib import Path

import numpy as np
from monai.transforms import Compose, LoadImaged
from PIL import Image

from cellseg_monai.data import MicroscopyReader, labelled, list_items
from cellseg_monai.export import contact_sheet, outline
from cellseg_monai.outputs import StrPath, claim_file, require_free, written_whole
from cellseg_monai.transforms import MatchChannelsd, PercentileStretchd, RandBalancedPatchesd


def preview(source: StrPath, out: StrPath, *, patch_size: int = 128, count: int = 32, seed: int = 0) -> Path:
    """Draw random training patches of a dataset with the outlines of their objects.

    As in training, a third of the patches has no object, a third few objects, and a third many.

    Args:
        source: dataset as in :func:`~cellseg_monai.data.list_items`.
        out: PNG file to write.
        patch_size: side of a patch in pixels.
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
        (274, 36)
    """
    require_free(Path(out).parent, "preview", [Path(out).name])
    items = labelled(list_items(source))[:count]
    per_image = -(-count // len(items))
    transform = Compose(
        [
            LoadImaged("image", reader=MicroscopyReader(), ensure_channel_first=True),
            LoadImaged("label", reader=MicroscopyReader("label"), ensure_channel_first=True, dtype=np.int32),
            PercentileStretchd("image"),
            MatchChannelsd("image", channels=3),
            RandBalancedPatchesd(["image", "label"], "label", patch_size, num_samples=per_image),
        ]
    ).set_random_state(seed)
    patches = [patch for item in items for patch in transform(item)]
    pictures = [
        outline(patch["image"].numpy().T, patch["label"].numpy()[0].T)  # (C, x, y) to rows, columns, colours
        for patch in patches[:count]
    ]
    with claim_file(out, "preview") as path, written_whole(path) as part:
        Image.fromarray(contact_sheet(pictures)).save(part)
    return path
