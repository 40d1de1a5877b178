"""The file that an array was read from, for error messages."""

from typing import Any

from monai.data import MetaTensor


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
