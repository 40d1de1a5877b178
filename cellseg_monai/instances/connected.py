"""Connected components of a thresholded foreground probability.

This is the simplest decoding. Touching cells become one object; train for another target to separate them.
"""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.tidying import DEFAULTS, Tidying, foreground_mask
from cellseg_monai.label_maps import LabelMap, connected_components


def components(probability: npt.NDArray[Any], tidying: Tidying = DEFAULTS) -> LabelMap:
    """Label the connected components of the foreground.

    Args:
        probability: foreground probability of a plane or volume, without channel axis.
        tidying: threshold and clean-up options.

    Returns:
        Objects numbered from 1 without gaps; pixels that touch at a corner belong to one object.

    Raises:
        ValueError: If the map contains NaN or infinite values.

    Example:
        >>> import numpy as np
        >>> components(np.array([[0.9, 0.9, 0.1, 0.0, 0.8]]), Tidying(min_size=2))
        array([[1, 1, 0, 0, 0]], dtype=int32)
    """
    foreground = foreground_mask(probability, tidying)
    return tidying.without_small(connected_components(foreground, foreground.ndim))


@dataclass(frozen=True, kw_only=True)
class Components(Tidying, Decoding):
    """Array transform of :func:`components`, with the options of :class:`Tidying`.

    Args:
        logits: whether the input is the raw output of a network, to which a sigmoid is applied. If False,
            it holds probabilities.

    Example:
        >>> import torch
        >>> Components()(torch.tensor([[[2.5, -3.0, 0.7]]]))
        tensor([[[1, 0, 2]]], dtype=torch.int32)
    """

    decodes = "foreground"
    channels = 1
    background_first = False

    def decode(self, probability: Probability) -> LabelMap:
        """Label the connected components of the one channel."""
        return components(probability[0], self)[None]


class Componentsd(Decodingd, of=Components):
    """Dictionary transform of :func:`components`, with the options of :class:`Components`.

    Example:
        >>> import numpy as np
        >>> Componentsd("pred", min_size=1)({"pred": np.array([[[2.5, -3.0, 0.7]]])})
        {'pred': array([[[1, 0, 2]]], dtype=int32)}
    """
