"""The file that an array was read from: for error messages, and as the only metadata of a batch."""

from typing import Any

from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils import ImageMetaKey

from cellseg_monai.dictionary import ArrayTransformd


def file_name(array: Any) -> str:
    """Return the file that an array was read from, or an empty string if it is unknown.

    Example:
        >>> import torch
        >>> file_name(MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "cell.tif"}))
        'cell.tif'
    """
    return str(array.meta.get("filename_or_obj", "")) if isinstance(array, MetaTensor) else ""


def origin(image: Any) -> str:
    """Return how an error message refers to an image: with its file if it is known.

    Example:
        >>> import torch
        >>> origin(MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "plate/A01.tif"}))
        'image plate/A01.tif'
        >>> origin(torch.zeros(1, 2, 2))
        'the image'
    """
    file = file_name(image)
    return f"image {file}" if file else "the image"


class _FileNameOnly(Transform):
    def __call__(self, image: Any) -> Any:
        if not isinstance(image, MetaTensor):
            return image
        name = ImageMetaKey.FILENAME_OR_OBJ
        stripped = MetaTensor(image.as_tensor())
        stripped.meta = {name: image.meta[name]} if name in image.meta else {}
        return stripped


class FileNameOnlyd(ArrayTransformd, of=_FileNameOnly):
    """Remove all metadata except the file name. The given sample is not changed.

    PyTorch collates the metadata of a batch entry by entry. That fails if a grey image has intensity limits
    for one channel and a colour image for three, or if a TIFF file has an entry that a PNG file lacks.

    Args:
        keys: keys of the images; images without metadata stay as they are.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> import torch
        >>> image = MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "cell.tif", "spacing": 0.5})
        >>> FileNameOnlyd("image")({"image": image})["image"].meta
        {'filename_or_obj': 'cell.tif'}
    """
