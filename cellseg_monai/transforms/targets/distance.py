"""Distance of each pixel from the border of its object, scaled so that the maximum of each object is 1."""

from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, relabel
from cellseg_monai.transforms.targets.base import Label, LabelTarget, LabelTargetd, as_given, read_label


def distance_target(label: Label, image_edge: bool = False) -> Label:
    """Return the distance of each pixel from the border of its object, divided by the object's maximum.

    For pixel p of object O this is d(p) / max d(q) over q in O. d is the Euclidean distance to the nearest
    pixel outside O, which may be background or another object. All objects are computed in one pass.

    Args:
        label: ids, shape (1, spatial…). An id in several pieces counts as one object;
            :func:`~cellseg_monai.label_maps.connected_components` separates them.
        image_edge: treat the edge of the image as a border. By default, a cell that the edge cuts is assumed
            to continue beyond it.

    Returns:
        float32 of the same shape: 0 in the background, above 0 in objects, 1 at the deepest pixel of each. An
        object that fills the image has no border in view and is 1 everywhere.

    Example:
        >>> distance_target(np.array([[[0, 1, 1, 1, 2, 2]]]))
        array([[[0. , 0.5, 1. , 0.5, 0.5, 1. ]]], dtype=float32)
        >>> distance_target(np.array([[[0, 1, 1, 1, 2, 2]]]), image_edge=True)
        array([[[0., 1., 1., 1., 1., 1.]]], dtype=float32)
    """
    return as_given(_normalised_distance(read_label(label), image_edge)[None], label)


def foreground_distance_target(label: Label, image_edge: bool = False) -> Label:
    """Return foreground and normalised distance together, for a network with two outputs.

    Args:
        label: ids, shape (1, spatial…).
        image_edge: treat the edge of the image as a border.

    Returns:
        float32 of shape (2, spatial…): :func:`~cellseg_monai.transforms.binary_target`, then
        :func:`distance_target`.

    Example:
        >>> foreground_distance_target(np.array([[[0, 1, 1, 1, 2, 2]]]))
        array([[[0. , 1. , 1. , 1. , 1. , 1. ]],
               [[0. , 0.5, 1. , 0.5, 0.5, 1. ]]], dtype=float32)
    """
    distance = _normalised_distance(read_label(label), image_edge)
    return as_given(np.stack([(distance > 0).astype(np.float32), distance]), label)


def _normalised_distance(ids: LabelMap, image_edge: bool) -> npt.NDArray[np.float32]:
    numbered = np.ascontiguousarray(relabel(ids))
    distance: npt.NDArray[np.float32] = edt.edt(numbered, black_border=image_edge)
    distance[np.isinf(distance)] = 1  # one object fills the image
    highest = np.zeros(int(numbered.max(initial=0)) + 1, np.float32)
    np.maximum.at(highest, numbered.ravel(), distance.ravel())
    highest[0] = 1
    distance /= highest[numbered]
    return distance


@dataclass(eq=False)
class DistanceTarget(LabelTarget):
    """Array transform of :func:`distance_target`.

    Args:
        image_edge: treat the edge of the image as a border.

    Example:
        >>> DistanceTarget()(np.array([[[0, 4, 4, 4, 0]]]))
        array([[[0. , 0.5, 1. , 0.5, 0. ]]], dtype=float32)
    """

    image_edge: bool = False

    function = staticmethod(distance_target)
    encodes = "distance"
    distances = 1


class ForegroundDistanceTarget(DistanceTarget):
    """Array transform of :func:`foreground_distance_target`.

    Args:
        image_edge: treat the edge of the image as a border.

    Example:
        >>> ForegroundDistanceTarget()(np.array([[[0, 4, 4, 4, 0]]])).shape
        (2, 1, 5)
    """

    function = staticmethod(foreground_distance_target)
    encodes = "foreground and distance"
    channels = 2


class DistanceTargetd(LabelTargetd, of=DistanceTarget):
    """Dictionary transform of :func:`distance_target`.

    Args:
        keys: keys of the label maps.
        image_edge: treat the edge of the image as a border.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> DistanceTargetd("label")({"label": np.array([[[0, 4, 4, 4, 0]]])})
        {'label': array([[[0. , 0.5, 1. , 0.5, 0. ]]], dtype=float32)}
    """


class ForegroundDistanceTargetd(LabelTargetd, of=ForegroundDistanceTarget):
    """Dictionary transform of :func:`foreground_distance_target`.

    Args:
        keys: keys of the label maps.
        image_edge: treat the edge of the image as a border.
        allow_missing_keys: skip keys that a sample does not have.

    Example:
        >>> ForegroundDistanceTargetd("label")({"label": np.array([[[0, 4, 4, 4, 0]]])})["label"].shape
        (2, 1, 5)
    """
