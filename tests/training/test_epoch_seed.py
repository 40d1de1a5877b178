import random

import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset, SmartCacheDataset
from monai.transforms import Compose, RandLambda, Randomizable, RandScaleIntensityd

from cellseg_monai.training.epoch_seed import derive_seed, require_repeatable, seed_everything


def loader_of(num_workers=0, **options):
    data = Dataset([{"image": torch.ones(1)} for _ in range(6)], RandScaleIntensityd("image", 0.9, prob=1.0))
    return DataLoader(data, batch_size=2, num_workers=num_workers, **options)


def values(loader):
    return [value.item() for batch in loader for value in batch["image"]]


def test_neighbours_share_no_seed():
    seeds = {derive_seed(seed, epoch, rank) for seed in range(9) for epoch in range(9) for rank in range(9)}
    assert len(seeds) == 9**3


@pytest.mark.parametrize(
    "source",
    [
        random.random,
        np.random.rand,
        lambda: torch.rand(()).item(),
        lambda: Randomizable().R.rand(),
    ],
    ids=["python", "numpy", "torch", "unseeded transform"],
)
def test_seeds_every_source(source):
    drawn = []
    for seed in (1, 2, 1):
        seed_everything(seed, [])
        drawn.append(source())
    assert drawn[0] == drawn[2] != drawn[1]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": True},
        {"shuffle": True, "generator": torch.Generator()},
        {"sampler": torch.utils.data.RandomSampler(range(6), generator=torch.Generator())},
        {"num_workers": 2},
    ],
    ids=["in order", "shuffled", "generator", "sampler's generator", "workers"],
)
def test_a_pass_is_a_function_of_the_seed(options):
    loader = loader_of(**options)
    drawn = []
    for seed in (1, 2, 1):
        seed_everything(seed, [loader])
        drawn.append((list(loader.sampler), values(loader)))
    assert drawn[0] == drawn[2]
    assert drawn[0][1] != drawn[1][1]


def test_batches_in_a_list_have_nothing_to_seed():
    require_repeatable([1, 2])
    seed_everything(0, [[1, 2]])


def test_refuses_workers_that_outlive_the_epoch():
    with pytest.raises(ValueError, match=r"persistent_workers=True keeps .* set it to False"):
        require_repeatable(loader_of(num_workers=1, persistent_workers=True))


def test_refuses_a_cache_that_moves_on():
    data = SmartCacheDataset([1, 2, 3, 4], cache_num=2, progress=False, num_init_workers=0)
    with pytest.raises(ValueError, match="use CacheDataset"):
        require_repeatable(DataLoader(data))


def test_refuses_workers_whose_transforms_nobody_seeds():
    data = Dataset([1.0], Compose([RandLambda(lambda value: value)]))
    with pytest.raises(ValueError, match=r"use monai\.data\.DataLoader"):
        require_repeatable(torch.utils.data.DataLoader(data, num_workers=1))
    require_repeatable(torch.utils.data.DataLoader(data))
