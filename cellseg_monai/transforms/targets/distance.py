"""How deep in its object a pixel lies: each object is a hill whose top is 1, whatever its size."""

import edt
import numpy as np
import numpy.typing as npt
from monai.config import KeysCollection
from monai.transforms import Transform
from monai.utils import TransformBackends

from cellseg_monai.label_maps import LabelMap, relabel
from cellseg_monai.transforms.targets.label import Label, LabelTargetd, as_given, read_label


def distance_target(label: Label, image_edge: bool = False) -> Label:
    """Distance to the border of the pixel's own object, divided by the largest in that object.

    For pixel p of object O, d(p) / max d(q) over q in O, where d is the Euclidean distance to the nearest
    pixel that is not in O, background or another object. All objects are done in one pass.

    Args:
        label: ids of shape (1, spatial…). An id in several pieces counts as one object:
            :func:`~cellseg_monai.label_maps.connected_components` separates them.
        image_edge: count the edge of the image as a border. By default a cell that the edge cuts is taken to
            go on beyond it.

    Returns:
        float32 of the same shape: 0 in the background, above 0 in objects, 1 at the deepest pixel of each. An
        object that fills the image has no border in sight and is 1 throughout.

    Example:
        >>> distance_target(np.array([[[0, 1, 1, 1, 2, 2]]]))
        array([[[0. , 0.5, 1. , 0.5, 0.5, 1. ]]], dtype=float32)
        >>> distance_target(np.array([[[0, 1, 1, 1, 2, 2]]]), image_edge=True)
        array([[[0., 1., 1., 1., 1., 1.]]], dtype=float32)
    """
    return as_given(_normalised_distance(read_label(label), image_edge)[None], label)


def foreground_distance_target(label: Label, image_edge: bool = False) -> Label:
    """Foreground and normalised distance together, for a network with two outputs.

    Args:
        label: ids of shape (1, spatial…).
        image_edge: count the edge of the image as a border.

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


class DistanceTarget(Transform):
    """Array transform of :func:`distance_target`.

    Args:
        image_edge: count the edge of the image as a border.

    Example:
        >>> DistanceTarget()(np.array([[[0, 4, 4, 4, 0]]]))
        array([[[0. , 0.5, 1. , 0.5, 0. ]]], dtype=float32)
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, image_edge: bool = False) -> None:
        self.image_edge = image_edge

    def __call__(self, label: Label) -> Label:
        """Encode one label map."""
        return distance_target(label, self.image_edge)


class DistanceTargetd(LabelTargetd):
    """Dictionary transform of :func:`distance_target`.

    Args:
        keys: label maps.
        image_edge: count the edge of the image as a border.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> DistanceTargetd("label")({"label": np.array([[[0, 4, 4, 4, 0]]])})
        {'label': array([[[0. , 0.5, 1. , 0.5, 0. ]]], dtype=float32)}
    """

    backend = DistanceTarget.backend
    encodes = "distance"
    distances = 1

    def __init__(
        self, keys: KeysCollection, image_edge: bool = False, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, DistanceTarget(image_edge), allow_missing_keys)


class ForegroundDistanceTarget(Transform):
    """Array transform of :func:`foreground_distance_target`.

    Args:
        image_edge: count the edge of the image as a border.

    Example:
        >>> ForegroundDistanceTarget()(np.array([[[0, 4, 4, 4, 0]]])).shape
        (2, 1, 5)
    """

    backend = [TransformBackends.TORCH, TransformBackends.NUMPY]

    def __init__(self, image_edge: bool = False) -> None:
        self.image_edge = image_edge

    def __call__(self, label: Label) -> Label:
        """Encode one label map."""
        return foreground_distance_target(label, self.image_edge)


class ForegroundDistanceTargetd(LabelTargetd):
    """Dictionary transform of :func:`foreground_distance_target`.

    Args:
        keys: label maps.
        image_edge: count the edge of the image as a border.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> ForegroundDistanceTargetd("label")({"label": np.array([[[0, 4, 4, 4, 0]]])})["label"].shape
        (2, 1, 5)
    """

    backend = ForegroundDistanceTarget.backend
    encodes = "foreground and distance"
    channels = 2
    distances = 1

    def __init__(
        self, keys: KeysCollection, image_edge: bool = False, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, ForegroundDistanceTarget(image_edge), allow_missing_keys)
