import torch

from cellseg_monai.networks.blocks.tokens import PatchEmbedding, PatchExpanding, PatchMerging


def test_a_patch_becomes_the_token_at_its_place():
    embedding = PatchEmbedding(in_channels=1, channels=2, patch_size=2)
    embedding.norm = torch.nn.Identity()
    torch.nn.init.ones_(embedding.proj.weight)
    torch.nn.init.zeros_(embedding.proj.bias)
    image = torch.zeros(1, 1, 4, 6)
    image[0, 0, 2, 5] = 1.0
    tokens = embedding(image)
    assert tokens.shape == (1, 2, 3, 2)
    assert torch.nonzero(tokens[0, ..., 0]).tolist() == [[1, 2]]


def test_merging_goes_down_the_columns():
    merging = PatchMerging(channels=1)
    merging.norm = torch.nn.Identity()
    merging.reduction.weight.data = torch.tensor([[1.0, 10.0, 100.0, 1000.0], [0.0, 0.0, 0.0, 1.0]])
    square = torch.tensor([[[[1.0], [2.0]], [[3.0], [4.0]]]])
    assert merging(square).flatten().tolist() == [1 + 3 * 10 + 2 * 100 + 4 * 1000, 4]


def test_expanding_goes_along_the_rows():
    expanding = PatchExpanding(channels=1, out_channels=1, scale=2)
    expanding.norm = torch.nn.Identity()
    expanding.expand.weight.data = torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    tokens = torch.tensor([[[[1.0], [10.0]]]])
    assert expanding(tokens)[0, ..., 0].tolist() == [[1, 2, 10, 20], [3, 4, 30, 40]]


def test_the_normalisation_is_over_the_features_of_a_token():
    for block, x in (
        (PatchEmbedding(1, 8, 2), torch.rand(1, 1, 4, 4)),
        (PatchExpanding(8, 4, 2), torch.rand(1, 2, 2, 8)),
    ):
        torch.testing.assert_close(block(x).mean(-1), torch.zeros(block(x).shape[:-1]), atol=1e-5, rtol=0)
