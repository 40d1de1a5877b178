"""Randomness as a function of (seed, epoch, rank) alone, so that an epoch can be run again exactly.

There is then no random state to save. At the start of an epoch every source is seeded anew: Python, numpy and
torch on each device; the random transforms in the data set of each loader; the generators of its sampler and
its workers. PyTorch seeds worker w of an epoch from the loader's generator, and MONAI's ``DataLoader`` hands
that seed on to the worker's copy of the transforms.
"""

import random
from collections.abc import Iterable

import numpy as np
import torch
from monai.data import DataLoader, SmartCacheDataset
from monai.data.utils import set_rnd
from monai.transforms import Randomizable


def derive_seed(seed: int, epoch: int, rank: int = 0) -> int:
    """Mix the three into 32 bits; neighbours share nothing, as ``seed + epoch`` would.

    Example:
        >>> derive_seed(0, epoch=1), derive_seed(1, epoch=0)
        (3964924996, 1835504127)
    """
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])


def seed_everything(seed: int, loaders: Iterable[object]) -> None:
    """Seed all sources of randomness in this process, and those that the workers of the loaders will have.

    Args:
        seed: below 2³².
        loaders: data loaders whose next pass is to be a function of the seed; other iterables of batches have
            nothing to seed.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # all devices
    Randomizable.R.seed(seed)  # shared by every transform that nobody has seeded
    for loader in loaders:
        if isinstance(loader, torch.utils.data.DataLoader):
            set_rnd(loader.dataset, seed)
            for owner in (loader, loader.sampler):
                generator = getattr(owner, "generator", None)
                if generator is not None:
                    generator.manual_seed(seed)


def require_repeatable(loader: object) -> None:
    """Refuse a loader whose pass depends on the passes before it.

    Raises:
        ValueError: its workers or its cache outlive an epoch, or its workers' transforms are not seeded.
    """
    if not isinstance(loader, torch.utils.data.DataLoader):
        return
    if loader.persistent_workers:
        raise ValueError(
            "persistent_workers=True keeps the workers' random states over the epochs, so that none can be "
            "repeated; set it to False"
        )
    if isinstance(loader.dataset, SmartCacheDataset):
        raise ValueError(
            "SmartCacheDataset holds other images in each epoch, depending on those before; use CacheDataset"
        )
    if loader.num_workers > 0 and not isinstance(loader, DataLoader) and loader.worker_init_fn is None:
        raise ValueError(
            "torch's DataLoader does not seed MONAI's random transforms in its workers; "
            "use monai.data.DataLoader"
        )
