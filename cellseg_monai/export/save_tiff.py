"""Label maps and probability maps of a MONAI pipeline as TIFF, each named after its image."""

import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform, SaveImaged

from cellseg_monai.export.tiff_writer import TiffWriter
from cellseg_monai.outputs import StrPath, inside
from cellseg_monai.outputs.origin import Origin


class SaveTiffd(SaveImaged):
    """Write images as TIFF into a folder, in the same sub-folders as their sources.

    MONAI's ``SaveImaged`` tries one writer after another and reports "cannot find a suitable writer" whatever
    the reason, such as a full disk; it also follows ``..`` in a name out of its folder. This class inherits
    from it because MONAI Label recognises savers by that class, and removes them.

    Args:
        keys: keys of the images, which are channel first and have the metadata of their source file.
        output_dir: folder to write.
        data_root_dir: root folder of the sources; sub-folders below it are kept.
        output_dtype: data type of the files.
        allow_missing_keys: whether to skip keys that a sample lacks.
        origin: bundle and weights that made the pixels, for the metadata of the files.

    Raises:
        ValueError: when called, values do not fit into the type, or a source lies outside `data_root_dir`.

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
        output_dir: StrPath,
        data_root_dir: StrPath,
        output_dtype: Any = np.int32,
        allow_missing_keys: bool = False,
        origin: Origin | None = None,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        self.output_dir = Path(output_dir)
        self.data_root_dir = Path(data_root_dir)
        self.output_dtype = output_dtype
        self.origin = origin

    def path_of(self, source: StrPath) -> Path:
        """Path of the result for an image.

        Args:
            source: image file, or the first file of an image in several files.
        """
        path = Path(os.path.relpath(os.path.abspath(source), os.path.abspath(self.data_root_dir)))
        stem = path.name[: -len(".nii.gz")] if path.name.endswith(".nii.gz") else path.stem
        return inside(self.output_dir, path.with_name(f"{stem}.tif"))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Write the images of one sample."""
        sample = dict(data)
        for key in self.key_iterator(sample):
            writer = TiffWriter(self.output_dtype, self.origin)
            writer.set_data_array(sample[key])
            writer.set_metadata(sample[key].meta)
            writer.write(self.path_of(sample[key].meta["filename_or_obj"]))
        return sample
