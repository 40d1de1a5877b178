import math

import pytest
import torch

from cellseg_monai.networks.blocks.swin_block import SwinBlock, WindowAttention


def naive_attention(attention, x, window_size, shift):
    """Each token, one after the other, over the tokens of its window, by the formula of the paper."""
    height, width, channels = x.shape
    shifts = (shift if height > window_size else 0, shift if width > window_size else 0)
    query, key, value = attention.qkv(x).view(height, width, 3, attention.num_heads, -1).unbind(2)
    table = attention.relative_position_bias_table.view(2 * window_size - 1, 2 * window_size - 1, -1)

    def window(y, x):
        return (y - shifts[0]) // window_size, (x - shifts[1]) // window_size

    places = [(y, x) for y in range(height) for x in range(width)]
    mixed = torch.empty(height, width, channels)
    for y, x in places:
        others = [other for other in places if window(*other) == window(y, x)]
        scores = torch.stack(
            [
                (query[y, x] * key[v, u]).sum(-1) / math.sqrt(query.shape[-1])
                + table[y - v + window_size - 1, x - u + window_size - 1]
                for v, u in others
            ]
        )
        weights = scores.softmax(0)[..., None]
        mixed[y, x] = (weights * torch.stack([value[other] for other in others])).sum(0).flatten()
    return attention.proj(mixed)


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("sides", [(8, 8), (9, 6), (3, 5), (1, 1), (2, 13)], ids=str)
def test_attention_is_that_of_the_paper(sides, shift):
    torch.manual_seed(0)
    block = SwinBlock(channels=6, num_heads=2, window_size=4, shift=shift).eval()
    torch.nn.init.normal_(block.attn.relative_position_bias_table)
    x = torch.randn(2, *sides, 6)
    expected = torch.stack([naive_attention(block.attn, block.norm1(sample), 4, shift) for sample in x]) + x
    expected = expected + block.mlp(block.norm2(expected))
    torch.testing.assert_close(block(x), expected, atol=1e-5, rtol=1e-5)


def test_dropout_is_in_attention_and_perceptron():
    block = SwinBlock(channels=6, num_heads=2, window_size=4, dropout=0.3)
    assert [block.attn.proj_drop.p, block.mlp.drop1.p, block.mlp.drop2.p] == [0.3] * 3


def test_a_window_attends_to_itself_alone():
    attention = WindowAttention(channels=4, num_heads=2, window_size=2)
    windows, barrier = torch.randn(2, 4, 4), torch.zeros(2, 4, 4)
    changed = torch.cat([windows[:1], torch.randn(1, 4, 4)])
    assert torch.equal(attention(windows, barrier)[0], attention(changed, barrier)[0])


def test_position_is_query_minus_key():
    attention = WindowAttention(channels=4, num_heads=1, window_size=2)
    # places 0..3 are (0,0) (0,1) (1,0) (1,1); the table is 3 x 3 offsets from (-1,-1) to (1,1)
    assert attention.relative_position_index.tolist() == [
        [4, 3, 1, 0],
        [5, 4, 2, 1],
        [7, 6, 4, 3],
        [8, 7, 5, 4],
    ]
