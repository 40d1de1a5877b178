"""Frames to a movie: GIF, which every program shows, or MP4, which is smaller and keeps all colours."""

from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from cellseg_monai.outputs import written_whole

Frame = npt.NDArray[np.uint8]
"""8-bit RGB picture."""

_SHADOW, _INK = (0, 0, 0), (255, 255, 255)
_CORNER = 5


def check_movie(file: Path) -> None:
    """Raise if a movie cannot be written, before anything is computed for it.

    Raises:
        ValueError: the suffix of the file is neither ``.gif`` nor ``.mp4``.
        RuntimeError: the file is an MP4, and imageio-ffmpeg is not installed.

    Example:
        >>> check_movie(Path("tracks.avi"))
        Traceback (most recent call last):
        ...
        ValueError: tracks.avi: a movie must be .gif or .mp4
    """
    if file.suffix.lower() not in (".gif", ".mp4"):
        raise ValueError(f"{file}: a movie must be .gif or .mp4")
    if file.suffix.lower() == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise RuntimeError(
            f"{file}: MP4 needs imageio-ffmpeg: pip install 'cellseg-monai[movie]', or write a .gif"
        )


def write_movie(file: Path, frames: Iterable[Frame], frames_per_second: float) -> None:
    """Write frames, each with its number in the upper left corner.

    Args:
        file: ``.gif`` or ``.mp4`` file to write; its folder is created if necessary.
        frames: frames of the same size, numbered from 0.
        frames_per_second: frame rate of the movie.

    Raises:
        ValueError, RuntimeError: see :func:`check_movie`.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "grey.gif"
        >>> write_movie(file, [np.full((20, 30, 3), grey, np.uint8) for grey in (0, 90)], 5)
        >>> with Image.open(file) as gif:
        ...     gif.n_frames, gif.size, gif.info["duration"]
        (2, (30, 20), 200)
    """
    check_movie(file)
    write = _write_mp4 if file.suffix.lower() == ".mp4" else _write_gif
    with written_whole(file) as part:
        write(part, _numbered(frames), frames_per_second)


def _numbered(frames: Iterable[Frame]) -> Iterator[Image.Image]:
    for number, frame in enumerate(frames):
        picture = Image.fromarray(frame)
        pen = ImageDraw.Draw(picture)
        for step, colour in ((1, _SHADOW), (0, _INK)):  # legible on bright and dark images
            pen.text((_CORNER + step, _CORNER + step), str(number), fill=colour)
        yield picture


def _write_gif(file: Path, frames: Iterator[Image.Image], frames_per_second: float) -> None:
    pictures = [frame.quantize(dither=Image.Dither.NONE) for frame in frames]
    pictures[0].save(
        file, save_all=True, append_images=pictures[1:], duration=round(1000 / frames_per_second), loop=0
    )


def _write_mp4(file: Path, frames: Iterator[Image.Image], frames_per_second: float) -> None:
    import imageio_ffmpeg

    pictures = (_even(np.asarray(frame)) for frame in frames)
    first = next(pictures)
    size = (first.shape[1], first.shape[0])
    writer = imageio_ffmpeg.write_frames(
        str(file), size, fps=frames_per_second, quality=8, macro_block_size=2
    )
    writer.send(None)
    for picture in chain([first], pictures):
        writer.send(picture)
    writer.close()


def _even(frame: Frame) -> Frame:
    """Repeat the last pixels of odd sides: H.264 halves the resolution of colours, so sides must be even."""
    return np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)), mode="edge")
