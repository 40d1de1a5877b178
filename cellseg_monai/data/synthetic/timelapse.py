"""Movies of nuclei that wander, grow and divide, with the truth of every frame and the table of tracks."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.drawing import draw
from cellseg_monai.data.synthetic.fluorescence import photograph
from cellseg_monai.data.synthetic.image import Size, check_knobs
from cellseg_monai.data.synthetic.migration import ADULT, Migration, Moment, migrate
from cellseg_monai.data.synthetic.nuclei import MICROMETRES, Stain, chromatin, glow, stain
from cellseg_monai.data.synthetic.shapes import Outlines, blobs
from cellseg_monai.label_maps import LabelMap


class Track(NamedTuple):
    """One line of a Cell Tracking Challenge table.

    Attributes:
        label: id of the object in the label maps.
        begin: first frame, from 0.
        end: last frame; the object is in every frame from ``begin`` to ``end``.
        parent: label of the mother, 0 if none; the mother ends in the frame before ``begin``.
    """

    label: int
    begin: int
    end: int
    parent: int


@dataclass(frozen=True)
class TimeLapse:
    """A movie with its exact truth.

    Attributes:
        images: (frames, rows, columns), uint16.
        labels: (frames, rows, columns); an object keeps the id of its track in every frame.
        tracks: one for each id, in ascending order.
        pixel_size: width of a pixel in micrometres.

    Example:
        >>> movie = timelapse(frames=3, size=(48, 64))
        >>> movie.images.shape, movie.tracks[0].begin
        ((3, 48, 64), 0)
    """

    images: npt.NDArray[np.uint16]
    labels: LabelMap
    tracks: list[Track]
    pixel_size: float


def timelapse(
    frames: int = 20,
    size: Size = (256, 256),
    *,
    seed: int = 0,
    density: float = 0.15,
    diameter: float = 28.0,
    speed: float = 0.1,
    division_rate: float = 0.02,
    shift: float = 0.0,
    degradation: float = 1.0,
) -> TimeLapse:
    """Nuclei that move, grow, divide, enter and leave the field.

    A division is in the table where the mother is seen in the last frame before it and both daughters in the
    first frame after it; otherwise the daughters are tracks without a parent. A nucleus that returns after it
    was out of sight is a new track.

    Args:
        frames: number of frames.
        size: rows and columns.
        seed: the same seed gives the same bytes.
        density: share of the image that nuclei cover in the beginning; 0 for empty frames with noise.
        diameter: of a full-grown nucleus in pixels, which fixes the pixel size: a nucleus measures 18 µm.
        speed: typical path from frame to frame, in diameters.
        division_rate: chance of a full-grown nucleus to divide, per frame.
        shift: 0 for the first intensity domain, 1 for the second; the truth does not depend on it.
        degradation: 1 for a usual microscope, 0 for no blur, haze, specks or noise.

    Returns:
        Movie and truth.

    Raises:
        ValueError: a knob lies outside its limits.

    Example:
        >>> movie = timelapse(frames=3, size=(64, 96), seed=1)
        >>> movie.images.shape, movie.labels.shape, movie.tracks[0]
        ((3, 64, 96), (3, 64, 96), Track(label=1, begin=0, end=2, parent=0))
    """
    check_knobs(size, density, diameter, shift, degradation)
    _check_motion(frames, speed, division_rate)
    motion, looks, exposure = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
    history = migrate(frames, size, density, diameter, speed, division_rate, motion)
    shapes, look = _appearance(len(history.mothers), diameter, looks)
    texture = chromatin(diameter, looks)
    images, labels = np.empty((frames, *size), np.uint16), np.empty((frames, *size), np.int32)
    for frame, moment in enumerate(history.moments):
        names = moment.names
        label, height = draw(_posed(shapes, moment), size)
        excited = np.where(moment.dividing, 1.8, 1 + 0.5 * np.exp(-moment.ages / 2))
        seen = Stain(look.brightness[names] * excited, look.contrast[names], look.anchors[names])
        light = glow(label, height, moment.centres, seen, texture)
        images[frame] = photograph(light, diameter, shift, degradation, exposure)
        labels[frame] = np.append(0, names + 1)[label]
    return TimeLapse(images, labels, _name_tracks(labels, history), MICROMETRES / diameter)


def _check_motion(frames: int, speed: float, division_rate: float) -> None:
    if frames < 1:
        raise ValueError(f"frames must be at least 1, not {frames}")
    if not 0 <= speed <= 1:
        raise ValueError(f"speed must lie between 0 and 1 diameter per frame, not {speed:g}")
    if not 0 <= division_rate <= 1:
        raise ValueError(f"division_rate must lie between 0 and 1, not {division_rate:g}")


def _appearance(count: int, diameter: float, random: np.random.Generator) -> tuple[Outlines, Stain]:
    """Shape and stain of every nucleus that ever lives."""
    diameters = diameter * random.lognormal(0, 0.08, count)
    elongations = 1.05 + random.gamma(2.0, 0.1, count)
    shapes = blobs(np.zeros((count, 2)), diameters, elongations, random.uniform(0.01, 0.05, count), random)
    return shapes, stain(np.zeros(count, bool), random)


def _posed(shapes: Outlines, moment: Moment) -> Outlines:
    """The outlines of the living: the young are small, those about to divide contract."""
    grown = np.where(moment.dividing, 0.8, 0.72 + 0.28 * np.clip(moment.ages / ADULT, 0, 1))
    radii = shapes.radii[moment.names] * grown.astype(np.float32)[:, None]
    return Outlines(moment.centres, radii, moment.angles, np.zeros(len(radii)))


def _name_tracks(labels: LabelMap, history: Migration) -> list[Track]:
    """Make tracks of what can be seen, and give the label maps their ids in place."""
    tracks: list[Track] = []
    running: dict[int, int] = {}
    for frame, label in enumerate(labels):
        visible = np.flatnonzero(np.bincount(label.ravel()))
        before, running = running, {}
        table = np.zeros(len(history.mothers) + 1, np.int32)
        names = [int(name) - 1 for name in visible if name]
        families = [int(history.mothers[name]) for name in names if name not in before]
        for name in names:
            if name in before:
                track = before[name]
                tracks[track - 1] = tracks[track - 1]._replace(end=frame)
            else:
                mother = int(history.mothers[name])
                parent = before.get(mother, 0) if families.count(mother) == 2 else 0
                track = len(tracks) + 1
                tracks.append(Track(track, frame, frame, parent))
            running[name] = table[name + 1] = track
        label[...] = table[label]
    return tracks
