"""Whether a file that is given as a mask is an image instead."""

from cellseg_monai.label_maps import LabelMap

_SIDE = 1024
_ENOUGH = 1000
_DIFFERENT = 0.2
_VALUES = 32


def looks_like_an_image(labels: LabelMap) -> bool:
    """Whether neighbouring pixels rarely have the same value, as in an image and in no mask.

    Inside the foreground of a mask only the pixels at borders between cells differ from their neighbours.

    Args:
        labels: label map of at least two axes; only its first 1024 × 1024 pixels are looked at, and
            of fewer than a thousand nothing is said.

    Example:
        >>> import numpy as np
        >>> rows, columns = np.indices((64, 64), np.int32)
        >>> looks_like_an_image(rows * columns), looks_like_an_image(1 + rows // 9)
        (True, False)
    """
    part = labels[..., :_SIDE, :_SIDE]
    one, other = part[..., 1:], part[..., :-1]
    inside = (one > 0) & (other > 0)
    different = inside & (one != other)
    if inside.sum() < _ENOUGH or different.sum() <= _DIFFERENT * inside.sum():
        return False
    return len(set(one[different].tolist())) > _VALUES
