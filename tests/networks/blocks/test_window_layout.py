import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.networks.blocks.window_layout import window_layout

CPU = torch.device("cpu")


def test_shifted_windows_by_hand():
    """A row of four tokens in windows of two, shifted by one: 1 2 | 3 0, and 3 does not meet 0."""
    layout = window_layout(1, 4, 2, 1, CPU)
    assert layout.tokens.view(2, 2, 2)[:, 0].tolist() == [[1, 2], [3, 0]]
    assert layout.barrier[0, 0].tolist() == [0, 0, -100, -100]
    assert layout.barrier[1, 0].tolist() == [0, -100, -100, -100]


def test_an_axis_of_one_window_is_not_shifted():
    shifted, still = window_layout(7, 14, 7, 3, CPU), window_layout(7, 14, 7, 0, CPU)
    assert torch.equal(shifted.tokens[:7], torch.arange(3, 10))
    assert torch.equal(shifted.tokens[:49] // 14, still.tokens[:49] // 14)


def test_the_published_size_needs_no_padding():
    layout = window_layout(56, 56, 7, 0, CPU)
    assert layout.tokens.numel() == 56 * 56
    assert not layout.barrier.any()


sides = st.integers(1, 12)


@given(sides, sides, st.integers(1, 5), st.data())
def test_the_way_back_undoes_the_way_in(height, width, window_size, data):
    shift = data.draw(st.integers(0, window_size - 1))
    layout = window_layout(height, width, window_size, shift, CPU)
    assert torch.equal(layout.tokens[layout.places], torch.arange(height * width))


@given(sides, sides, st.integers(1, 5), st.data())
def test_tokens_meet_where_their_windows_are_the_same_without_rolling(height, width, window_size, data):
    shift = data.draw(st.integers(0, window_size - 1))
    layout = window_layout(height, width, window_size, shift, CPU)
    area = window_size**2
    real = torch.zeros(layout.tokens.numel(), dtype=torch.bool)
    real[layout.places] = True

    def window_of(token):
        y, x = divmod(token, width)
        return (
            (y - (shift if height > window_size else 0)) // window_size,
            (x - (shift if width > window_size else 0)) // window_size,
        )

    for number, barrier in enumerate(layout.barrier):
        own = slice(number * area, (number + 1) * area)
        tokens = layout.tokens[own].tolist()
        for query in torch.nonzero(real[own]).flatten().tolist():
            met = {tokens[key] for key in torch.nonzero(barrier[query] == 0).flatten().tolist()}
            assert met == {t for t in range(height * width) if window_of(t) == window_of(tokens[query])}
            assert all(real[own][barrier[query] == 0]), "a real token attends to padding"


@pytest.mark.parametrize("side", [1, 5, 21])
def test_no_place_is_without_a_partner(side):
    """A row of the barrier that forbids everything would be noise at best."""
    assert (window_layout(side, side, 7, 3, CPU).barrier == 0).any(dim=-1).all()
