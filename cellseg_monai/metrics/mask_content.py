"""Whether a map numbers its objects or only separates foreground from background."""

from collections.abc import Sequence
from typing import Literal

import fastremap

from cellseg_monai.label_maps import LabelMap, connected_components, is_mask

Content = Literal["nothing", "one object", "one value in pieces", "0 and 255", "objects"]


def content_of(label_map: LabelMap) -> Content:
    """Describe a map by its values.

    Args:
        label_map: map of ids or of foreground.

    Returns:
        One of five descriptions.

    Example:
        >>> import numpy as np
        >>> content_of(np.array([[1, 0, 1]], np.int32)), content_of(np.array([[1, 0, 2]], np.int32))
        ('one value in pieces', 'objects')
    """
    ids = [int(number) for number in fastremap.unique(label_map) if number > 0]
    if not ids:
        return "nothing"
    if len(ids) > 1:
        return "objects"
    if is_mask(label_map):
        return "0 and 255"
    return "one value in pieces" if connected_components(label_map > 0).max() > 1 else "one object"


def binary_maps(contents: Sequence[Content]) -> list[bool]:
    """Decide which maps of a set are binary masks.

    A map of 0 and 255 always is one. Another map with a single value may show a single cell. If no map of the
    set numbers two objects and one of them has its only value in several pieces, all are masks.

    Args:
        contents: contents of all true maps, or of all predictions, of one modality.

    Returns:
        Whether each map is binary.

    Example:
        >>> binary_maps(["one object", "one value in pieces", "nothing"])
        [True, True, True]
        >>> binary_maps(["one object", "one value in pieces", "objects"])
        [False, False, False]
    """
    mask_like = {"one value in pieces", "0 and 255"}
    if "objects" not in contents and mask_like & set(contents):
        return [True] * len(contents)
    return [content == "0 and 255" for content in contents]


def pieces_of_mask(label_map: LabelMap) -> LabelMap:
    """Number the connected pieces of a map with a single value; return other maps unchanged.

    Example:
        >>> import numpy as np
        >>> pieces_of_mask(np.array([[255, 0, 255]], np.int32))
        array([[1, 0, 2]], dtype=int32)
    """
    single = content_of(label_map) in ("one value in pieces", "0 and 255")
    return connected_components(label_map > 0) if single else label_map
