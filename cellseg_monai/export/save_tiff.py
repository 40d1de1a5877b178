"""Label maps and probabilities of a MONAI pipeline to TIFF, each under the name of its image."""

import os
from collections.abc import Hashable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, SaveImaged

from cellseg_monai.export.tiff_writer import TiffWriter
from cellseg_monai.outputs import inside


class SaveTiffd(SaveImaged):
    """Write images as TIFF below a folder, in the sub-folders that their sources have.

    MONAI's ``SaveImaged`` tries one writer after the other and says "cannot find a suitable writer" whatever
    the reason, such as a full disk; it also follows a name with ``..`` out of its folder. This is a subclass
    because MONAI Label recognises savers by that, and leaves them out.

    Args:
        keys: images, channel first, with the metadata of the file that they were made from.
        output_dir: folder to write.
        data_root_dir: folder of the sources, below which their sub-folders are kept.
        output_dtype: type of the pixels in the file.
        allow_missing_keys: skip keys that a sample lacks.

    Raises:
        ValueError: when called, values do not fit the type, or a source lies outside `data_root_dir`.

    Example:
        >>> import tempfile, tifffile
        >>> from monai.data import MetaTensor
        >>> folder = Path(tempfile.mkdtemp())
        >>> cells = MetaTensor(np.array([[[0, 70000]]]), meta={"filename_or_obj": "set/day1/a.png"})
        >>> save = SaveTiffd("pred", folder, "set")
        >>> _ = save({"pred": cells})
        >>> save.path_of("set/day1/a.png").relative_to(folder).as_posix()
        'day1/a.tif'
        >>> tifffile.imread(folder / "day1/a.tif").tolist()
        [[0], [70000]]
    """

    def __init__(
        self,
        keys: KeysCollection,
        output_dir: str | PathLike[str],
        data_root_dir: str | PathLike[str],
        output_dtype: Any = np.int32,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.output_dir = Path(output_dir)
        self.data_root_dir = Path(data_root_dir)
        self.output_dtype = output_dtype

    def path_of(self, source: str | PathLike[str]) -> Path:
        """The file that the result of an image is written to.

        Args:
            source: file of the image; of an image in several files the first.
        """
        path = Path(os.path.relpath(os.path.abspath(source), os.path.abspath(self.data_root_dir)))
        stem = path.name[: -len(".nii.gz")] if path.name.endswith(".nii.gz") else path.stem
        return inside(self.output_dir, path.with_name(f"{stem}.tif"))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the images of one sample."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            meta = sample[key].meta
            writer = TiffWriter(self.output_dtype)
            writer.set_data_array(sample[key], channel_dim=0)
            writer.set_metadata(meta)
            writer.write(self.path_of(meta["filename_or_obj"]))
        return sample
