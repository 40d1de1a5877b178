"""Background, interior and boundary, so that touching cells come apart.

The pieces of interior that a network predicts are the cells. A cell whose interior is lost in the encoding
can therefore never be found, even by a perfect prediction. In the target of the NeurIPS 2022 baseline every
cell up to a radius of three pixels is lost so; in the default here none is.
"""

from typing import Literal, get_args

import edt
import numpy as np
import numpy.typing as npt
from monai.config import KeysCollection
from monai.transforms import Transform
from monai.utils import TransformBackends
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap, boundaries, connected_components, relabel
from cellseg_monai.transforms.targets.label import Label, LabelTargetd, as_given, read_label
from cellseg_monai.transforms.targets.label import one_hot as hot_channels

BoundaryForm = Literal["every_object", "neurips"]
"""``every_object``: each object keeps an interior. ``neurips``: the target of the NeurIPS 2022 baseline."""

INTERIOR, BOUNDARY = 1, 2
CHANNELS = 3
_SMALLEST_INTERIOR = 16


def boundary_target(label: Label, form: BoundaryForm = "every_object", one_hot: bool = False) -> Label:
    """0 in the background, 1 in the interior of an object, 2 on its boundary.

    With ``every_object`` the boundary lies inside the object, one pixel wide. It runs along the background
    and wherever another object touches, also across a corner. The edge of the image is no boundary. An object
    too thin for that gives up the boundary towards the background; one whose every pixel touches another
    object keeps its deepest pixel. So each id has interior, and the interiors of two ids do not touch, unless
    both are of that last kind.

    With ``neurips`` the boundary is grown by one pixel to both sides, interior pieces below 16 pixels become
    background, and small objects have no interior: for comparison with the published baseline.

    Args:
        label: ids of shape (1, spatial…). An id in several pieces counts as one object:
            :func:`~cellseg_monai.label_maps.connected_components` separates them.
        form: which boundary.
        one_hot: a channel each for background, interior and boundary.

    Returns:
        uint8 of the same shape; with ``one_hot`` of shape (3, spatial…).

    Example:
        >>> boundary_target(np.array([[[1, 1, 1, 2, 2, 2, 0, 3]]]))
        array([[[1, 1, 2, 2, 1, 2, 0, 1]]], dtype=uint8)
    """
    _require_form(form)
    ids = read_label(label)
    target = _every_object(ids) if form == "every_object" else _neurips(ids)
    return as_given(hot_channels(target, CHANNELS) if one_hot else target[None], label)


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
    """Pixels of objects that have another object, not background, among all their neighbours."""
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
    """Of each object the pixel farthest from its border, the first of equals, as a flat index."""
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


class BoundaryTarget(Transform):
    """Array transform of :func:`boundary_target`.

    Args:
        form: which boundary.
        one_hot: a channel each for background, interior and boundary.

    Example:
        >>> BoundaryTarget()(np.array([[[0, 4, 4, 4, 0]]]))
        array([[[0, 2, 1, 2, 0]]], dtype=uint8)
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, form: BoundaryForm = "every_object", one_hot: bool = False) -> None:
        _require_form(form)
        self.form = form
        self.one_hot = one_hot

    def __call__(self, label: Label) -> Label:
        """Encode one label map."""
        return boundary_target(label, self.form, self.one_hot)


class BoundaryTargetd(LabelTargetd):
    """Dictionary transform of :func:`boundary_target`.

    Args:
        keys: label maps.
        form: which boundary.
        one_hot: a channel each for background, interior and boundary.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> BoundaryTargetd("label")({"label": np.array([[[0, 4, 4, 4, 0]]])})
        {'label': array([[[0, 2, 1, 2, 0]]], dtype=uint8)}
    """

    backend = BoundaryTarget.backend
    encodes = "interior and boundary"
    channels = CHANNELS

    def __init__(
        self,
        keys: KeysCollection,
        form: BoundaryForm = "every_object",
        one_hot: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, BoundaryTarget(form, one_hot), allow_missing_keys)
