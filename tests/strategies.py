"""Random inputs that several test modules draw from."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = ["uint8", "int8", "uint16", "int16", "int32", "int64", "float32", "float64", "bool"]


class LaidOutImage(NamedTuple):
    """An image together with the knowledge of where its channels stand."""

    array: npt.NDArray[Any]
    channel_dim: int | None
    spatial_shape: tuple[int, ...]


@st.composite
def images(draw: st.DrawFn, dims: tuple[int, ...] = (2, 3), max_side: int = 9) -> LaidOutImage:
    """Images of any bits: plane or volume, of every dtype, with channels first, last or absent."""
    spatial_shape = draw(st.tuples(*[st.integers(1, max_side)] * draw(st.sampled_from(dims))))
    channel_dim = draw(st.sampled_from([None, 0, -1]))
    shape = list(spatial_shape)
    if channel_dim is not None:
        shape.insert(0 if channel_dim == 0 else len(shape), draw(st.integers(1, 3)))
    array = draw(any_bits(tuple(shape), draw(st.sampled_from(DTYPES))))
    return LaidOutImage(array, channel_dim, spatial_shape)


def any_bits(shape: tuple[int, ...], dtype: str) -> st.SearchStrategy[npt.NDArray[Any]]:
    """Arrays of every value that the dtype has, NaN and infinity included."""
    return hnp.arrays(dtype, shape, elements=hnp.from_dtype(np.dtype(dtype)))


def label_maps(max_side: int = 12, highest_id: int = 6) -> st.SearchStrategy[npt.NDArray[np.int32]]:
    """Small crowded label maps of one channel, with objects of one pixel, in pieces, and at the edge."""
    sides = st.integers(1, max_side)
    shapes = st.tuples(st.just(1), sides, sides)
    return hnp.arrays(np.int32, shapes, elements=st.integers(0, highest_id))
