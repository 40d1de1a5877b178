"""Copies of weights that are about to be replaced."""

import shutil
from pathlib import Path

from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.whole import written_whole

FORMER = "former"
"""Folder for former weights, beside the current ones; it is not part of a bundle."""


def keep_former(weights: Path) -> Path | None:
    """Copy weights, and files with the same stem beside them, to ``former/``.

    Args:
        weights: file of the weights.

    Returns:
        Path of the copy, whose name includes the start of its SHA-256; None if there are no weights.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     weights = Path(folder) / "model.pt"
        ...     _ = weights.write_bytes(b"some weights")
        ...     copy = keep_former(weights)
        ...     copy.relative_to(folder).as_posix(), copy.read_bytes()
        ('former/model-a0c76a31.pt', b'some weights')
    """
    if not weights.is_file():
        return None
    kept = weights.parent / FORMER / f"{weights.stem}-{digest_of(weights)[:8]}{weights.suffix}"
    for file in sorted(weights.parent.glob(f"{weights.stem}.*")):
        if file.is_file():
            with written_whole(kept.with_name(f"{kept.stem}{file.name[len(weights.stem) :]}")) as part:
                shutil.copyfile(file, part)
    return kept
