"""Stacks of nuclei with exact truth, what a network finds in their planes, and Cellpose's rule to link it."""

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, overlap_matrix, relabel


def nuclei_volume(
    step: int = 1, count: int = 40, seed: int = 0, side: int = 120, depth: int = 80
) -> LabelMap:
    """Ellipsoids that touch but do not overlap; every `step`-th plane of them, (planes, rows, columns)."""
    rng = np.random.default_rng(seed)
    grid = np.indices((depth, side, side), np.float32)
    nearest, owner = np.ones((depth, side, side), np.float32), np.zeros((depth, side, side), np.int32)
    centres: list[npt.NDArray[np.float64]] = []
    while len(centres) < count:
        centre = rng.uniform(8, (depth - 8, side - 8, side - 8))
        if all(np.linalg.norm(centre - other) > 13 for other in centres):
            centres.append(centre)
            radii = rng.uniform(6, 10, 3)[:, None, None, None]
            distance = (((grid - centre[:, None, None, None]) / radii) ** 2).sum(axis=0)
            closer = distance < nearest
            nearest[closer], owner[closer] = distance[closer], len(centres)
    return relabel(owner[::step])


def found_planes(
    volume: LabelMap, seed: int = 0, *, missed: float = 0.0, empty: tuple[int, ...] = ()
) -> LabelMap:
    """The planes with ids of their own; some of the cells are missed, and some planes are empty."""
    rng = np.random.default_rng(seed)
    planes = []
    for place, plane in enumerate(volume):
        own = np.unique(plane[plane > 0])
        table = np.zeros(volume.max() + 1, np.int32)
        table[own] = rng.permutation(len(own)) + 1
        table[own[rng.random(len(own)) < missed]] = 0
        planes.append(np.zeros_like(plane) if place in empty else relabel(table[plane]))
    return np.stack(planes)


def stitch_threshold(planes: LabelMap, threshold: float = 0.25) -> LabelMap:
    """Cellpose's rule: a cell continues the one below with the highest IoU, if each is the other's best."""
    linked, highest = [planes[0]], int(planes[0].max(initial=0))
    for plane in planes[1:]:
        overlap = overlap_matrix(plane, linked[-1])
        shared = overlap.counts.toarray()[1:, 1:].astype(float)
        areas = np.bincount(plane.ravel())[overlap.row_ids[1:]], np.bincount(linked[-1].ravel())
        iou = shared / (areas[0][:, None] + areas[1][overlap.column_ids[1:]][None] - shared)
        iou[iou < threshold] = 0
        iou[iou < iou.max(axis=0, initial=0)] = 0
        table = np.zeros(int(plane.max(initial=0)) + 1, np.int32)
        for row, number in enumerate(overlap.row_ids[1:].tolist()):
            if iou.shape[1] and iou[row].max() > 0:
                table[number] = overlap.column_ids[1:][iou[row].argmax()]
            else:
                highest += 1
                table[number] = highest
        linked.append(table[plane])
    return np.stack(linked)
