"""Variants of a bundle side by side: the same images and seeds, one thing different.

As in Yang et al., "Multi-modal Cell Segmentation based on U-Net++ and Attention Gate", and A. Frias, "Image
Segmentation for Cell Image Datasets".
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.data.datalist import Item
from cellseg_monai.studies.run import Run

NETWORKS = ("unet", "unetr", "swin_unetr", "basic_unetpp", "attention_unetpp")
"""Table 3 of Yang et al., by their names in the registry of the bundles."""

GATES = (
    ("G1.2",),
    ("G2.1",),
    ("G0.3",),
    ("G1.2", "G2.1"),
    ("G2.1", "G0.3"),
    ("G1.2", "G0.3"),
    ("G2.1", "G0.3", "G1.2"),
)
"""Table 4 of Yang et al.: where attention gates sit in the U-Net++."""

SKIPS = ("standard", "convolutional", "fusion")
"""Table 2 of A. Frias."""


def comparison(
    variants: Mapping[str, tuple[Path, Mapping[str, Any]]],
    train: Sequence[Item],
    test: Sequence[Item],
    seeds: Sequence[int] = (0,),
    pieces: bool = False,
    calibrated: bool = False,
) -> list[Run]:
    """A run for each variant and seed.

    Args:
        variants: by name, the folder of a bundle and values of its configurations.
        train: labelled images to learn from.
        test: labelled images to score.
        seeds: of the trainings; several tell apart what a variant and what chance does.
        pieces: binary masks, whose connected pieces are the objects.
        calibrated: choose how to decode by the images that validate.

    Example:
        >>> images = [{"image": "a.tif", "label": "a_mask.tif"}]
        >>> variants = networks(Path("bundle"), ["unet", "unetr"])
        >>> [run.name for run in comparison(variants, images, images, seeds=[0, 1])]
        ['unet-seed_0', 'unet-seed_1', 'unetr-seed_0', 'unetr-seed_1']
    """
    return [
        Run(
            name=f"{name}-seed_{seed}",
            bundle=bundle,
            train=train,
            tests={"test": test},
            options={**options, "seed": seed},
            factors={"variant": name, "seed": seed},
            pieces=pieces,
            calibrated=calibrated,
        )
        for name, (bundle, options) in variants.items()
        for seed in seeds
    ]


def networks(bundle: Path, names: Sequence[str], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Variants of a bundle that differ in the network, by its name in the bundle's registry.

    Windows get the size of the training patches, which is all that some of the networks can take.

    Example:
        >>> networks(Path("bundle"), ["unetr"])["unetr"][1]
        {'window': '@patch_size', 'network_def': '@networks#unetr'}
    """
    return {
        name: (bundle, {"window": "@patch_size", "network_def": f"@networks#{name}", **(options or {})})
        for name in names
    }


def gates(bundle: Path, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Variants of a U-Net++ that differ in where its attention gates sit: the seven sets of Yang et al.

    Example:
        >>> list(gates(Path("bundles/attention_unetpp")))[-1]
        'G2.1+G0.3+G1.2'
    """
    place = "network_def#architecture#gates"
    return {"+".join(chosen): (bundle, {place: list(chosen), **(options or {})}) for chosen in GATES}


def skips(bundles: Sequence[Path], options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Variants of networks that differ in their skip connections: the six of A. Frias.

    Example:
        >>> list(skips([Path("bundles/skip_unet")]))
        ['skip_unet, standard', 'skip_unet, convolutional', 'skip_unet, fusion']
    """
    return {
        f"{bundle.name}, {skip}": (bundle, {"skip": skip, **(options or {})})
        for bundle in bundles
        for skip in SKIPS
    }
