"""Meta data that images of any kind share, so that a batch can hold several kinds."""

from collections.abc import Hashable, Mapping
from typing import Any

from monai.data import MetaTensor
from monai.transforms import MapTransform
from monai.utils import ImageMetaKey


class FileNameOnlyd(MapTransform):
    """Leave of the meta data the name of the file.

    PyTorch stacks the meta data of a batch entry by entry, and fails where a grey image has limits of one
    channel and a colour image of three, or where a TIFF has an entry that a PNG has not.

    Args:
        keys: images; those without meta data stay as they are.
        allow_missing_keys: pass over keys that an item lacks.

    Example:
        >>> import torch
        >>> image = MetaTensor(torch.zeros(1, 2, 2), meta={"filename_or_obj": "cell.tif", "spacing": 0.5})
        >>> FileNameOnlyd("image")({"image": image})["image"].meta
        {'filename_or_obj': 'cell.tif'}
    """

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Strip the images of one sample.

        Args:
            data: the sample; it is left as it is.
        """
        sample = dict(data)
        name = ImageMetaKey.FILENAME_OR_OBJ
        for key in self.key_iterator(sample):
            image = sample[key]
            if isinstance(image, MetaTensor):
                stripped = MetaTensor(image.as_tensor())
                stripped.meta = {name: image.meta[name]} if name in image.meta else {}
                sample[key] = stripped
        return sample
