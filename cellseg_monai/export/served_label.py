"""A label map as MONAI Label's server can write it: in a shape, a type and a format that hold every id."""

import logging
from collections.abc import Hashable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform

logger = logging.getLogger(__name__)

_PLANES = (".tif", ".tiff")
_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Formats with an orientation, which ITK writes for three axes alone."""
_PNG, _PNG_LIMIT = ".png", int(np.iinfo(np.uint16).max)
_DEFAULT = ".tif"


class ServedLabeld(MapTransform):
    """Make a label map ready for the writer of MONAI Label; elsewhere leave it as it is.

    That writer takes (1, x, y) for an image one pixel wide, fails on PNG of 32 bits, asks a JPEG for labels,
    wraps ids that a type cannot hold, and drops the orientation of a NIfTI plane. So the map gets the axes
    (x, y), or (x, y, 1) for formats with an orientation; PNG gets 16 bits; and TIFF is written where the
    format of the image cannot hold the labels. A format that the *request* asks for (``result_extension``)
    and that cannot hold them is refused. A type that it asks for (``result_dtype``) and that is too narrow
    is widened: 3D Slicer always asks for 8 bits.

    Args:
        keys: label maps of one channel.
        image: key of the image they belong to.
        allow_missing_keys: pass over keys that a sample lacks.

    Raises:
        ValueError: when called, the format of the request cannot hold the labels.

    Example:
        >>> import torch
        >>> label = torch.tensor([[[0, 300]]], dtype=torch.int32)
        >>> item = ServedLabeld("pred")({"pred": label, "image_path": "a.png"})
        >>> tuple(item["pred"].shape), item["result_extension"], item["result_dtype"]
        ((1, 2), '.png', 'uint16')
        >>> item = ServedLabeld("pred")({"pred": label, "image_path": "a.tif", "result_dtype": "uint8"})
        >>> item["result_dtype"]
        'int32'
        >>> ServedLabeld("pred")({"pred": label, "image_path": "a.tif", "result_extension": ".jpg"})
        Traceback (most recent call last):
        ...
        ValueError: a.tif: the result has ids up to 300, and .jpg is none for labels; ask for .tif
    """

    def __init__(self, keys: KeysCollection, image: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image = image

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Prepare the maps of one request."""
        item = dict(data)
        if "image_path" not in item:  # which MONAI Label's requests have
            return item
        for key in self.key_iterator(item):
            if item[key].is_floating_point():  # scoring: nothing is written
                item[key] = item[key][0]
            else:
                self._prepare(item, key)
        return item

    def _prepare(self, item: MutableMapping[Hashable, Any], key: Hashable) -> None:
        name, highest = Path(str(item["image_path"])).name, int(item[key].max())
        extension = _extension(name, item.get("result_extension"), highest)
        widest = "uint16" if extension == _PNG else "int32"
        dtype = item.get("result_dtype") or widest
        if highest > _limit(np.dtype(dtype)):
            logger.info("%s: ids up to %d do not fit %s; %s is written", name, highest, dtype, widest)
            dtype = widest
        item["result_extension"], item["result_dtype"] = extension, str(dtype)
        if extension not in _VOLUMES:
            item[key] = item[key][0]
            return
        item[key] = item[key][0][..., None]
        meta = getattr(item.get(self.image), "meta", None)
        if meta is not None:  # MONAI Label compares, and would resample
            meta["spatial_shape"] = np.asarray(item[key].shape)


def _extension(name: str, wanted: str | None, highest: int) -> str:
    for ending in (*_VOLUMES, *_PLANES, _PNG):
        if (wanted or name).lower().endswith(ending):
            if ending != _PNG or highest <= _PNG_LIMIT:
                return ending
            fault = f"{ending} ends at {_PNG_LIMIT}"
            break
    else:
        fault = f"{wanted or 'that format'} is none for labels"
    if wanted:
        raise ValueError(f"{name}: the result has ids up to {highest}, and {fault}; ask for {_DEFAULT}")
    return _DEFAULT


def _limit(dtype: np.dtype[Any]) -> int:
    """The highest id up to which a type holds every one."""
    return int(np.iinfo(dtype).max if dtype.kind in "ui" else 2 ** (np.finfo(dtype).nmant + 1))
