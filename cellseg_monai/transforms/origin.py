"""Where an image came from, for messages of errors."""

from typing import Any


def origin(image: Any) -> str:
    """The file of an image as its meta data tell it, else just ``the image``.

    Example:
        >>> from monai.data import MetaTensor
        >>> import torch
        >>> origin(MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "plate/A01.tif"}))
        'image plate/A01.tif'
        >>> origin(torch.zeros(1, 2, 2))
        'the image'
    """
    file = getattr(image, "meta", {}).get("filename_or_obj")
    return f"image {file}" if file else "the image"
