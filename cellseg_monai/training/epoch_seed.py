"""Random numbers as a function of (seed, epoch, rank) only, so that an epoch can be repeated exactly.

So there is no random state to save. At the start of an epoch, everything random is seeded anew: Python, NumPy
and torch on each device; the random transforms in the data set of each loader; the generators of its sampler
and its workers. PyTorch seeds worker w of an epoch from the generator of the loader, and MONAI's
``DataLoader`` passes that seed on to the worker's copy of the transforms.
"""

import random
from collections.abc import Iterable

import numpy as np
import torch
from monai.data import DataLoader, SmartCacheDataset
from monai.data.utils import set_rnd
from monai.transforms import Randomizable


def derive_seed(seed: int, epoch: int, rank: int = 0) -> int:
    """Mix the three numbers into 32 bits; unlike ``seed + epoch``, neighbours have nothing in common.

    Example:
        >>> derive_seed(0, epoch=1), derive_seed(1, epoch=0)
        (3964924996, 1835504127)
    """
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])


def seed_everything(seed: int, loaders: Iterable[object]) -> None:
    """Seed everything random in this process, and in the future workers of the loaders.

    Args:
        seed: seed below 2³².
        loaders: data loaders whose next pass must depend only on the seed; other iterables of batches are
            ignored.
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)  # all devices
    Randomizable.R.seed(seed)  # shared by all transforms without their own seed
    for loader in loaders:
        if isinstance(loader, torch.utils.data.DataLoader):
            set_rnd(loader.dataset, seed)
            for owner in (loader, loader.sampler):
                generator = getattr(owner, "generator", None)
                if generator is not None:
                    generator.manual_seed(seed)


def require_repeatable(loader: object) -> None:
    """Raise if a pass of the loader depends on the passes before it.

    Raises:
        ValueError: its workers or its cache outlive an epoch, or the transforms in its workers are not
            seeded.
    """
    if not isinstance(loader, torch.utils.data.DataLoader):
        return
    if loader.persistent_workers:
        raise ValueError(
            "persistent_workers=True keeps the random states of the workers across epochs, so that no epoch "
            "can be repeated; set it to False"
        )
    if isinstance(loader.dataset, SmartCacheDataset):
        raise ValueError(
            "SmartCacheDataset contains other images in each epoch, which depend on the epochs before; use "
            "CacheDataset"
        )
    if loader.num_workers > 0 and not isinstance(loader, DataLoader) and loader.worker_init_fn is None:
        raise ValueError(
            "torch's DataLoader does not seed MONAI's random transforms in its workers; use "
            "monai.data.DataLoader"
        )
