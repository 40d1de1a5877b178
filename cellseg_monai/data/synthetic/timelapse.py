"""Movies of nuclei that move, grow and divide, with the truth of every frame and the table of tracks."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.drawing import draw
from cellseg_monai.data.synthetic.migration import ADULT, Migration, migrate
from cellseg_monai.data.synthetic.nuclei import MICROMETRES, Stain, chromatin, fluoresce, glow, stain
from cellseg_monai.data.synthetic.scene import Scene, Size, require_range
from cellseg_monai.data.synthetic.shapes import Outlines, blobs
from cellseg_monai.label_maps import LabelMap


class Track(NamedTuple):
    """One line of a Cell Tracking Challenge table.

    Attributes:
        label: id of the object in the label maps.
        begin: first frame, from 0.
        end: last frame; the object is in every frame from ``begin`` to ``end``.
        parent: label of the mother, 0 if there is none; the mother ends in the frame before ``begin``.
    """

    label: int
    begin: int
    end: int
    parent: int


@dataclass(frozen=True)
class TimeLapse:
    """A movie with its exact truth.

    Attributes:
        images: uint16 array of frames, rows and columns.
        labels: label map of each frame; an object keeps the id of its track in every frame.
        tracks: track of each id, in ascending order.
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
    """Draw a movie of nuclei that move, grow, divide, and enter and leave the field.

    A division is in the table if the mother is visible in the last frame before it and both daughters are
    visible in the first frame after it; otherwise the daughters are tracks without a parent. A nucleus that
    returns after it was out of sight is a new track.

    Args:
        frames: number of frames.
        size: rows and columns.
        seed: random seed; the same seed gives the same bytes.
        density: share of the first frame that nuclei cover; 0 for empty frames with noise.
        diameter: diameter of a full-grown nucleus in pixels. It sets the pixel size: a nucleus measures 18
            µm.
        speed: typical path per frame, in diameters.
        division_rate: probability per frame that a full-grown nucleus divides.
        shift: 0 for the first intensity domain, 1 for the second. The truth does not depend on it.
        degradation: 1 for a typical microscope; 0 for frames without blur, haze, debris or noise.

    Returns:
        Movie and truth.

    Raises:
        ValueError: a value is out of range.

    Example:
        >>> movie = timelapse(frames=3, size=(64, 96), seed=1)
        >>> movie.images.shape, movie.labels.shape, movie.tracks[0]
        ((3, 64, 96), (3, 64, 96), Track(label=1, begin=0, end=2, parent=0))
    """
    scene = Scene(size, seed, density, diameter, shift, degradation)
    require_range("frames", frames, 1)
    require_range("speed", speed, 0, 1)
    require_range("division_rate", division_rate, 0, 1)
    motion, looks, exposure = scene.generators(3)
    history = migrate(frames, scene, speed, division_rate, motion)
    count = len(history.mothers)
    diameters = diameter * looks.lognormal(0, 0.08, count)
    elongations = 1.05 + looks.gamma(2.0, 0.1, count)
    shapes = blobs(np.zeros((count, 2)), diameters, elongations, looks.uniform(0.01, 0.05, count), looks)
    look = stain(np.zeros(count, bool), looks)
    texture = chromatin(diameter, looks)
    images, labels = np.empty((frames, *size), np.uint16), np.empty((frames, *size), np.int32)
    for frame, moment in enumerate(history.moments):
        names = moment.names
        # young nuclei are small, and nuclei contract before they divide
        grown = np.where(moment.dividing, 0.8, 0.72 + 0.28 * np.clip(moment.ages / ADULT, 0, 1))
        radii = shapes.radii[names] * grown.astype(np.float32)[:, None]
        outlines = Outlines(moment.centres, radii, moment.angles, np.zeros(len(radii)))
        label, height = draw(outlines, size)
        excited = np.where(moment.dividing, 1.8, 1 + 0.5 * np.exp(-moment.ages / 2))
        seen = Stain(look.brightness[names] * excited, look.contrast[names], look.anchors[names])
        light = glow(label, height, moment.centres, seen, texture)
        images[frame] = fluoresce(light, scene, exposure)
        labels[frame] = np.append(0, names + 1)[label]
    return TimeLapse(images, labels, _name_tracks(labels, history), MICROMETRES / diameter)


def _name_tracks(labels: LabelMap, history: Migration) -> list[Track]:
    """Make tracks of the visible nuclei, and replace the ids in the label maps by those of the tracks."""
    tracks: list[Track] = []
    running: dict[int, int] = {}
    for frame, label in enumerate(labels):
        before, running = running, {}
        table = np.zeros(len(history.mothers) + 1, np.int32)
        names = [int(name) - 1 for name in np.flatnonzero(np.bincount(label.ravel())) if name]
        families = [int(history.mothers[name]) for name in names if name not in before]
        for name in names:
            track = before.get(name)
            if track is None:
                mother = int(history.mothers[name])
                parent = before.get(mother, 0) if families.count(mother) == 2 else 0
                track = len(tracks) + 1
                tracks.append(Track(track, frame, frame, parent))
            tracks[track - 1] = tracks[track - 1]._replace(end=frame)
            running[name] = table[name + 1] = track
        label[...] = table[label]
    return tracks
