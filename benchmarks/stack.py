"""Segment a stack, kill the run and resume it; compare rules that link cells: `python benchmarks/stack.py`.

The stack has 200 planes of 2,048 by 2,048 pixels with nuclei of exact truth. The script runs the command of a
user, with the network of `slide.py`, which thresholds a smoothed image. `--links` only compares the rules, on
the planes of stacks with exact truth; `--truth FILE` adds a label map of your own, such as `mask3d.tif` in
the wheel of StarDist, `stardist/data/images`. `--views IMAGE` with its `--truth` compares the planes of one
view with the mean over the planes of three.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile
from slide import command, rendered, run

REPOSITORY = Path(__file__).resolve().parents[1]
BLOCK = (50, 256, 256)
MODEL = "generalist_nuclei"


class Repeated:
    """A stack that is never in memory: a block that is repeated, with noise."""

    def __init__(self, block: np.ndarray, shape: tuple[int, int, int]) -> None:
        self.block, self.shape, self.dtype = block, shape, np.dtype(np.uint16)
        self.noise = np.random.default_rng(0).integers(0, 60, (512, 512)).astype(np.uint16)

    def __getitem__(self, box: tuple[slice, slice, slice]) -> np.ndarray:
        places = [np.arange(span.start, span.stop) % side for span, side in zip(box, BLOCK, strict=True)]
        part = self.block[np.ix_(*places)]
        rolled = np.roll(self.noise, (37 * box[0].start, 91 * box[0].start), (0, 1))
        return part + rolled[: part.shape[1], : part.shape[2]]


def block() -> tuple[np.ndarray, int]:
    """Image of ellipsoids that neither touch nor reach the faces of the block, and their number."""
    rng = np.random.default_rng(0)
    grid = np.indices(BLOCK, np.float32)
    image, centres = np.full(BLOCK, 100, np.uint16), list[np.ndarray]()
    for _ in range(4000):
        centre = rng.uniform((11, 16, 16), np.subtract(BLOCK, (11, 16, 16)))
        scaled = [(centre - other) / (20, 26, 26) for other in centres]
        if all(np.linalg.norm(step) > 1 for step in scaled):
            centres.append(centre)
            radii = rng.uniform((6, 8, 8), (9, 12, 12))
            inside = (((grid - centre[:, None, None, None]) / radii[:, None, None, None]) ** 2).sum(0) <= 1
            image[inside] = 1000
    return image, len(centres)


def segment(planes: int, side: int, folder: Path) -> bool:
    """Segment a stack with a kill half way; whether every nucleus is found as one cell."""
    from cellseg_monai.export import write_tiled_tiff

    bundle = rendered(folder)
    made, count = block()
    truth = count * (planes // BLOCK[0]) * (side // BLOCK[1]) ** 2
    (folder / "stacks").mkdir()
    pixel_size = (0.3, 0.3, 0.5)
    write_tiled_tiff(folder / "stacks/a.tif", Repeated(made, (planes, side, side)), "ZYX", pixel_size)
    done = lambda: len(list((folder / "out/unfinished").glob("*/tiles/*/*.npy")))  # noqa: E731
    words = command(
        bundle, ["inference", "inference_large"], folder / "stacks", folder / "out", output_ext="$None"
    )
    first, first_peak, killed = run(words, folder, lambda: done() >= planes / 2)
    at_kill = done()
    second, second_peak, _ = run(words, folder)
    found = max(int(page.asarray().max()) for page in tifffile.TiffFile(folder / "out/labels/a.tif").pages)
    print(f"killed: {killed}, with {at_kill} planes done, after {first:.0f} s; resumed: {second:.0f} s")
    print(f"peak memory, all processes: {max(first_peak, second_peak):.2f} GiB")
    print(f"nuclei: truth {truth:,}; found {found:,}")
    return killed and abs(found - truth) <= 0.01 * truth


def compare(truth: list[Path]) -> None:
    """Print F1 at an IoU of 0.5 of linked planes, for our rule and that of Cellpose at three thresholds."""
    sys.path.insert(0, str(REPOSITORY))
    from cellseg_monai.instances import link_planes
    from cellseg_monai.label_maps import relabel
    from tests.instances.perfect import f1
    from tests.instances.volumes import found_planes, nuclei_volume, stitch_threshold

    print("| planes of | ours | Cellpose 0.1 | 0.25 | 0.5 |\n|---|---|---|---|---|")
    stacks = {"nuclei, 1:1": [nuclei_volume(1, 120, seed) for seed in range(3)]}
    stacks["nuclei, 1:5"] = [relabel(stack[::5]) for stack in stacks["nuclei, 1:1"]]
    for file in truth:
        whole = tifffile.imread(file).astype(np.int32)
        stacks |= {file.name: [whole], f"{file.name}, every other plane": [relabel(whole[::2])]}
    for name, volumes in stacks.items():
        for missed in (0.0, 0.05):
            planes = [found_planes(volume, missed=missed) for volume in volumes]
            linked = [list(map(link_planes, planes))]
            linked += [[stitch_threshold(one, threshold) for one in planes] for threshold in (0.1, 0.25, 0.5)]
            scores = [np.mean([f1(*pair) for pair in zip(rule, volumes, strict=True)]) for rule in linked]
            what = f"{name}, 5 % of the cross-sections missed" if missed else name
            print(f"| {what} | {' | '.join(f'{score:.3f}' for score in scores)} |", flush=True)


def view(stack: np.ndarray, folder: Path) -> tuple[np.ndarray, float]:
    """Probabilities in the planes of one view, and the seconds for them."""
    from cellseg_monai import predict

    (folder / "planes").mkdir(parents=True)
    for place, plane in enumerate(stack):
        tifffile.imwrite(folder / f"planes/{place:04}.tif", plane)
    began = time.monotonic()
    predict(MODEL, [folder / "planes"], folder / "out", save_probability=True)
    seconds = time.monotonic() - began
    files = sorted((folder / "out/probability").rglob("*.tif"))
    return np.stack([tifffile.imread(file) for file in files]).astype(np.float32), seconds


def compare_views(image: np.ndarray, truth: np.ndarray, folder: Path) -> None:
    """Print F1 of the cells of one view and of the mean of three; the voxels are taken as cubes."""
    sys.path.insert(0, str(REPOSITORY))
    from cellseg_monai.cell_size import cell_diameter
    from cellseg_monai.instances import WatershedFromDistanced, link_planes
    from cellseg_monai.runtime import find_bundle
    from cellseg_monai.runtime.settings import WEIGHTS, kept_settings
    from tests.instances.perfect import f1

    kept = kept_settings(find_bundle(MODEL) / WEIGHTS)
    scale = kept["diameter"] / np.median([cell_diameter(plane) for plane in truth if plane.any()])
    options = {name: kept[name] for name in ("threshold", "seed_height", "min_size")}
    decode = WatershedFromDistanced("pred", logits=False, **options).decode.at_scale(scale)
    views, seconds = list[np.ndarray](), 0.0
    for name, order, back in (
        ("xy", (0, 1, 2), (0, 1, 2, 3)),
        ("xz", (1, 0, 2), (2, 1, 0, 3)),
        ("yz", (2, 0, 1), (2, 1, 3, 0)),
    ):
        found, took = view(image.transpose(order), folder / name)
        views.append(found.transpose(back))
        seconds += took
        cells = link_planes(np.stack([decode(plane)[0] for plane in np.mean(views, 0)]))
        count = f"{cells.max()} of {truth.max()} cells"
        print(f"{len(views)} views: F1 {f1(cells, truth):.3f}, {count}, {seconds:.0f} s")


def main() -> None:
    """Do what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--planes", type=int, default=200, help="a multiple of 50")
    parser.add_argument("--side", type=int, default=2048, help="a multiple of 256")
    parser.add_argument("--links", action="store_true")
    parser.add_argument("--views", type=Path, metavar="IMAGE")
    parser.add_argument("--truth", type=Path, nargs="*", default=[])
    parser.add_argument("--folder", help="folder for the files, about 7 bytes per pixel")
    options = parser.parse_args()
    if options.links:
        compare(options.truth)
        return
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    if options.views:
        truth = np.unique(tifffile.imread(options.truth[0]), return_inverse=True)[1].astype(np.int32)
        compare_views(tifffile.imread(options.views), truth, folder)
        return
    if not segment(options.planes, options.side, folder):
        sys.exit("the cells are not those of the truth, or the run was not killed")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
