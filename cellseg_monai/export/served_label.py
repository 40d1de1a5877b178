"""Label maps for the server of MONAI Label, in a shape, data type and format that keep every id."""

import logging
from collections.abc import Hashable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform

logger = logging.getLogger(__name__)

_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Formats with an orientation, which ITK only writes for three axes."""
_PNG, _PNG_LIMIT = ".png", int(np.iinfo(np.uint16).max)
_DEFAULT = ".tif"
_FORMATS = (*_VOLUMES, _DEFAULT, ".tiff", _PNG)


class ServedLabeld(MapTransform):
    """Prepare a label map for the writer of MONAI Label; outside MONAI Label it stays unchanged.

    That writer expects (1, x, y) for an image one pixel wide, fails on 32-bit PNG, writes labels as JPEG if
    the image is one, lets ids overflow that the data type cannot hold, and drops the orientation of a NIfTI
    plane. This transform therefore sets the axes to (x, y), or (x, y, 1) for formats with an orientation,
    writes PNG with 16 bits, and chooses TIFF if the format of the image cannot hold the labels. If the
    request asks for a format (``result_extension``) that cannot hold them, it is an error. If it asks for a
    data type (``result_dtype``) that is too narrow, a wider one is used: 3D Slicer always asks for 8 bits.

    Args:
        keys: keys of the label maps, with one channel.
        image: key of the image that they belong to.
        allow_missing_keys: whether to skip keys that a sample lacks.

    Raises:
        ValueError: when called, the requested format cannot hold the labels.

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
        ValueError: a.tif: ids up to 300 cannot be written as .jpg; request .tif
    """

    def __init__(self, keys: KeysCollection, image: str = "image", allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys)
        self.image = image

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Prepare the label maps of one request."""
        item = dict(data)
        if "image_path" not in item:  # only requests of MONAI Label have it
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
            logger.info("%s: ids up to %d do not fit into %s; writing %s", name, highest, dtype, widest)
            dtype = widest
        item["result_extension"], item["result_dtype"] = extension, str(dtype)
        item[key] = item[key][0]
        if extension in _VOLUMES:
            item[key] = item[key][..., None]
            meta = getattr(item.get(self.image), "meta", None)
            if meta is not None:  # MONAI Label compares the shapes, and would resample
                meta["spatial_shape"] = np.asarray(item[key].shape)


def _extension(name: str, wanted: str | None, highest: int) -> str:
    found = next((ending for ending in _FORMATS if (wanted or name).lower().endswith(ending)), None)
    if found is not None and (found != _PNG or highest <= _PNG_LIMIT):
        return found
    if wanted:
        raise ValueError(f"{name}: ids up to {highest} cannot be written as {wanted}; request {_DEFAULT}")
    return _DEFAULT


def _limit(dtype: np.dtype[Any]) -> int:
    """The highest id up to which a data type holds every id."""
    return int(np.iinfo(dtype).max if dtype.kind in "ui" else 2 ** (np.finfo(dtype).nmant + 1))
