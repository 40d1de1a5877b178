"""Whether an image file is a plane, a stack of planes, or a movie."""

from cellseg_monai.data import Reading, read_picture
from cellseg_monai.data.readers import medical
from cellseg_monai.data.readers.formats import IN_PARTS
from cellseg_monai.jobs.files.inputs import Source, first_file
from cellseg_monai.outputs import StrPath

_ONE_PIXEL = ((0, 1), (0, 1), (0, 1))


def third_axis(image: Source | StrPath, reading: Reading) -> str:
    """Return ``Z`` for a stack, ``T`` for a movie, and empty for a plane, or a file that cannot be read.

    Args:
        image: file of the image, or files of its channels.
        reading: part to read.

    Example:
        >>> import numpy as np, tempfile, tifffile
        >>> path = f"{tempfile.mkdtemp()}/a.tif"
        >>> tifffile.imwrite(path, np.zeros((3, 8, 8), np.uint8), metadata={"axes": "TYX"})
        >>> [third_axis(path, reading) for reading in (Reading(), Reading(axes="ZYX"), Reading(frame=0))]
        ['T', 'Z', '']
    """
    file = first_file(image) if isinstance(image, str | list) else image
    if not str(file).lower().endswith((*IN_PARTS, *medical.ITK_SUFFIXES)):
        return ""
    try:
        return read_picture(file, **reading.place, region=_ONE_PIXEL, movie=True).third
    except (ValueError, FileNotFoundError):  # the run names the file and the reason
        return ""
