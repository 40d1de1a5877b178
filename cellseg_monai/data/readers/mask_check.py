"""Whether a file that is given as a mask is an image instead."""

import fastremap

from cellseg_monai.label_maps import LabelMap, connected_components

_SIDE = 1024
_MOST_CLASSES = 32
_FEWEST_LEVELS = 8
_PIECES_PER_VALUE = 5
_ENOUGH = 100


def looks_like_an_image(labels: LabelMap) -> bool:
    """Whether values are scattered over the label map like grey levels, and unlike the ids of cells.

    The id of a cell is in one piece, or in a few. A grey level is in many pieces, as is a class; but there
    are at most 32 classes, and neighbouring pixels mostly have the same one. An image with nearly as many
    grey levels as pixels is known by its pieces of one or two pixels, side by side.

    Args:
        labels: label map of at least two axes; only its first 1024 × 1024 pixels are looked at.

    Example:
        >>> import numpy as np
        >>> rows, columns = np.indices((64, 64), np.int32)
        >>> looks_like_an_image((rows * columns) % 251), looks_like_an_image(1 + rows // 9)
        (True, False)
    """
    whole = labels[0] if labels.ndim > 2 and len(labels) == 1 else labels
    part = whole[..., :_SIDE, :_SIDE]
    values = int((fastremap.unique(part) > 0).sum())
    if values <= _FEWEST_LEVELS:
        return False
    different, neighbours = unequal_neighbours(part)
    pieces = int(connected_components(part).max())
    scattered = pieces > _PIECES_PER_VALUE * values
    if scattered and (values > _MOST_CLASSES or different > 0.2):
        return True
    return neighbours >= _ENOUGH and different > 0.4 and int((part > 0).sum()) < 3 * pieces


def require_label_map(labels: LabelMap) -> None:
    """Raise if a label map looks like an image.

    Raises:
        ValueError: the values are scattered like grey levels.

    Example:
        >>> import numpy as np
        >>> require_label_map(np.array([[0, 1, 1, 2, 2, 2]]))
    """
    if looks_like_an_image(labels):
        raise ValueError(
            "looks like a microscope image and not like a label map: its values are scattered like grey "
            "levels, or like those of a mask that was resized with interpolation, but all pixels of a cell "
            "must have one number of its own; give the label map (if it is one nevertheless: convert, "
            "measure, track and evaluate take --force)"
        )


def unequal_neighbours(labels: LabelMap) -> tuple[float, int]:
    """Share of the neighbouring pixels of the foreground that differ, and number of neighbours.

    Example:
        >>> import numpy as np
        >>> unequal_neighbours(np.array([[0, 1, 1, 2, 2, 2]]))
        (0.25, 4)
    """
    one, other = labels[..., 1:], labels[..., :-1]
    inside = (one > 0) & (other > 0)
    neighbours = int(inside.sum())
    return int((inside & (one != other)).sum()) / max(neighbours, 1), neighbours
