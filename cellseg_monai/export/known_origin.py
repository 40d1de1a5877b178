"""The origin that a label map names, so that a conversion keeps it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tifffile

from cellseg_monai.outputs import StrPath
from cellseg_monai.outputs.origin import KEY, Origin


def origin_in(path: StrPath) -> Origin | None:
    """Return the bundle and the weights that a TIFF or an OME-Zarr names; None if it names none.

    Args:
        path: label map.

    Example:
        >>> import tempfile
        >>> from cellseg_monai.export import write_tiled_tiff
        >>> path = f"{tempfile.mkdtemp()}/cells.tif"
        >>> import numpy as np
        >>> write_tiled_tiff(path, np.eye(16, dtype=np.int32), origin=Origin({"weights": "model.pt"}, {}))
        >>> origin_in(path).facts["weights"]
        'model.pt'
    """
    path = Path(path)
    attributes = path / ".zattrs"
    known: Any = None
    if path.suffix.lower() in (".tif", ".tiff"):
        with tifffile.TiffFile(path) as file:
            known = (file.shaped_metadata or [{}])[0].get(KEY)
    elif attributes.is_file():
        known = json.loads(attributes.read_text(encoding="utf-8")).get(KEY)
    return (
        Origin({str(key): str(value) for key, value in known.items()}, {})
        if isinstance(known, Mapping)
        else None
    )
