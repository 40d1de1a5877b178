"""Background, interior and boundary, so that touching cells can be separated.

The connected pieces of the predicted interior become the cells. A cell whose interior is missing in the
target can therefore never be found, even with a perfect prediction. The target of the NeurIPS 2022 baseline
loses every cell with a radius of up to three pixels; the default here loses none.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap, boundaries, connected_components, relabel
from cellseg_monai.transforms.targets.base import Label, LabelTarget, LabelTargetd, as_given, read_label
from cellseg_monai.transforms.targets.base import one_hot as one_hot_channels

BoundaryForm = Literal["every_object", "neurips"]
"""``every_object``: every object keeps an interior. ``neurips``: target of the NeurIPS 2022 baseline."""

INTERIOR, BOUNDARY = 1, 2
CHANNELS = 3
_SMALLEST_INTERIOR = 16


def boundary_target(label: Label, form: BoundaryForm = "every_object", one_hot: bool = False) -> Label:
    """Return 0 in the background, 1 in the interior of an object, 2 on its boundary.

    With ``every_object``, the boundary lies inside the object and is one pixel wide. It follows the
    background and every contact with another object, including contact at a corner. The edge of the image is
    not a boundary. An object that is too thin for this has no boundary towards the background. An object
    whose every pixel touches another object keeps its deepest pixel as interior. So every id has an interior,
    and the interiors of two ids touch only if both are of this last kind.

    With ``neurips``, the boundary grows by one pixel on both sides, pieces of interior below 16 pixels become
    background, and small objects have no interior. Use it to compare with the published baseline.

    Args:
        label: ids, shape (1, spatial…). An id in several pieces counts as one object;
            :func:`~cellseg_monai.label_maps.connected_components` separates them.
        form: rule that draws the boundary.
        one_hot: return one channel each for background, interior and boundary.

    Returns:
        uint8 of the same shape; with ``one_hot`` of shape (3, spatial…).

    Raises:
        ValueError: ``form`` is unknown, or the values are not ids.

    Example:
        >>> boundary_target(np.array([[[1, 1, 1, 2, 2, 2, 0, 3]]]))
        array([[[1, 1, 2, 2, 1, 2, 0, 1]]], dtype=uint8)
    """
    _require_form(form)
    ids = read_label(label)
    target = _every_object(ids) if form == "every_object" else _neurips(ids)
    return as_given(one_hot_channels(target, CHANNELS) if one_hot else target[None], label)


def _every_object(ids: LabelMap) -> npt.NDArray[np.uint8]:
    ids = relabel(ids)
    foreground = ids > 0
    apart = foreground & ~_touches_another(ids)
    interior = apart & ~boundaries(ids)
    interior |= apart & _in_objects_without(interior, ids)
    bare = foreground & _in_objects_without(interior, ids)
    if bare.any():
        interior.flat[_deepest_pixels(ids, bare)] = True
    return np.where(interior, INTERIOR, BOUNDARY * foreground).astype(np.uint8)


def _touches_another(ids: LabelMap) -> npt.NDArray[np.bool_]:
    """Object pixels with another object among their neighbours, diagonals included."""
    highest = ndimage.maximum_filter(ids, size=3)
    lowest = ndimage.minimum_filter(np.where(ids > 0, ids, np.iinfo(ids.dtype).max), size=3)
    touches: npt.NDArray[np.bool_] = (highest > ids) | (lowest < ids)
    return touches


def _in_objects_without(interior: npt.NDArray[np.bool_], ids: LabelMap) -> npt.NDArray[np.bool_]:
    with_interior = np.zeros(int(ids.max(initial=0)) + 1, bool)
    with_interior[ids[interior]] = True
    lacking: npt.NDArray[np.bool_] = ~with_interior[ids]
    return lacking


def _deepest_pixels(ids: LabelMap, objects: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """Flat index of the pixel farthest from the border of each object; the first one of equals."""
    pixels = np.flatnonzero(objects)
    depths = edt.edt(np.ascontiguousarray(ids)).ravel()[pixels]
    deepest_first = pixels[np.lexsort((-depths, ids.ravel()[pixels]))]
    _, first = np.unique(ids.ravel()[deepest_first], return_index=True)
    return deepest_first[first]


def _neurips(ids: LabelMap) -> npt.NDArray[np.uint8]:
    boundary = ndimage.binary_dilation(boundaries(ids))
    pieces = connected_components((ids > 0) & ~boundary, connectivity=1)
    interior = (pieces > 0) & (np.bincount(pieces.ravel()) >= _SMALLEST_INTERIOR)[pieces]
    return np.where(interior, INTERIOR, BOUNDARY * boundary).astype(np.uint8)


def _require_form(form: str) -> None:
    if form not in get_args(BoundaryForm):
        raise ValueError(f"form must be one of {get_args(BoundaryForm)}, not {form!r}")


@dataclass(eq=False)
class BoundaryTarget(LabelTarget):
    """Array transform of :func:`boundary_target`.

    Args:
        form: rule that draws the boundary.
        one_hot: return one channel each for background, interior and boundary.

    Example:
        >>> BoundaryTarget()(np.array([[[0, 4, 4, 4, 0]]]))
        array([[[0, 2, 1, 2, 0]]], dtype=uint8)
    """

    form: BoundaryForm = "every_object"
    one_hot: bool = False

    function = staticmethod(boundary_target)
    encodes = "interior and boundary"
    channels = CHANNELS

    def __post_init__(self) -> None:
        _require_form(self.form)


class BoundaryTargetd(LabelTargetd, of=BoundaryTarget):
    """Dictionary transform of :func:`boundary_target`.

    Args:
        keys: keys of the label maps.
        form: rule that draws the boundary.
        one_hot: return one channel each for background, interior and boundary.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> BoundaryTargetd("label")({"label": np.array([[[0, 4, 4, 4, 0]]])})
        {'label': array([[[0, 2, 1, 2, 0]]], dtype=uint8)}
    """
