"""From light to counts: blur, haze, uneven illumination, camera response and noise.

A camera represents an intensity domain. Two laboratories image the same cells with different gain, offset,
gamma, noise and blur; :func:`camera_for` interpolates between them while the cells stay in place.
"""

from dataclasses import astuple, dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.data.synthetic.scene import Field, Scene
from cellseg_monai.data.synthetic.textures import enlarge

_PIXELS_PER_STRIP = 1 << 21
_GLOW = 0.1


@dataclass(frozen=True)
class Camera:
    """Microscope and camera.

    Attributes:
        gain: counts for light of strength 1.
        offset: counts without light.
        gamma: exponent of the response.
        shot: variance of the noise per count of light.
        read: standard deviation of the noise without light, in counts.
        blur: standard deviation of the point-spread function, in object diameters.
        haze: share of out-of-focus light that reaches the camera; must be 0 for light with channels.
        vignette: share of light lost in the farthest corner.
    """

    gain: float
    offset: float
    gamma: float
    shot: float
    read: float
    blur: float
    haze: float
    vignette: float


FLUORESCENCE = (
    Camera(gain=560, offset=145, gamma=1.0, shot=0.35, read=9, blur=0.04, haze=0.07, vignette=0.5),
    Camera(gain=2600, offset=900, gamma=0.7, shot=4.0, read=60, blur=0.07, haze=0.16, vignette=0.8),
)
"""Fluorescence microscopes of the two intensity domains."""


def camera_for(scene: Scene, cameras: tuple[Camera, Camera]) -> Camera:
    """Return the camera of a scene, between those of the two intensity domains.

    Example:
        >>> one, other = Camera(100, 0, 1, 0, 0, 0, 0, 0), Camera(300, 50, 2, 0, 0, 0, 0, 0)
        >>> camera_for(Scene((9, 9), seed=0, density=0, diameter=28, shift=0.5), (one, other))
        Camera(gain=200.0, offset=25.0, gamma=1.5, shot=0.0, read=0.0, blur=0.0, haze=0.0, vignette=0.0)
    """
    values = zip(*map(astuple, cameras), strict=True)
    between = Camera(*((1 - scene.shift) * one + scene.shift * other for one, other in values))
    return degraded(between, scene.degradation)


def degraded(camera: Camera, degradation: float) -> Camera:
    """Scale noise, blur, haze and vignetting; 0 removes them.

    Example:
        >>> degraded(Camera(100, 10, 1, 0.5, 4, 0.05, 0.1, 0.2), 0)
        Camera(gain=100, offset=10, gamma=1, shot=0.0, read=0, blur=0.0, haze=0.0, vignette=0.0)
    """
    flaws = {
        name: getattr(camera, name) * degradation for name in ("shot", "read", "blur", "haze", "vignette")
    }
    return replace(camera, **flaws | {"vignette": min(flaws["vignette"], 1.0)})


def expose(
    light: Field,
    camera: Camera,
    diameter: float,
    random: np.random.Generator,
    dtype: npt.DTypeLike = np.uint16,
) -> npt.NDArray[np.uint8] | npt.NDArray[np.uint16]:
    """Convert light to counts, strip by strip, so that a slide needs little extra memory.

    Args:
        light: array of rows, columns and, for colour images, channels; 1 for a typical object.
        camera: microscope and camera.
        diameter: diameter of a typical object in pixels, which scales blur and haze.
        random: random generator.
        dtype: uint8 or uint16; counts outside its range are clipped.

    Returns:
        Counts in the shape of ``light``.

    Example:
        >>> plain = Camera(gain=100, offset=10, gamma=1, shot=0, read=0, blur=0, haze=0, vignette=0)
        >>> expose(np.array([[0, 0.5, 9]], np.float32), plain, 28, np.random.default_rng(0), np.uint8)
        array([[ 10,  60, 255]], dtype=uint8)
    """
    counts = np.empty(light.shape, dtype)
    haze = Haze(light, diameter, camera.haze, _GLOW) if camera.haze else None
    margin = int(np.ceil(4 * camera.blur * diameter))
    blur = (camera.blur * diameter, camera.blur * diameter, 0)[: light.ndim]
    height = max(1, _PIXELS_PER_STRIP // (light[:1].size or 1))
    for top in range(0, light.shape[0], height):
        rows = np.arange(top, min(top + height, light.shape[0]))
        above = min(margin, top)
        strip = light[top - above : rows[-1] + 1 + margin]
        seen = ndimage.gaussian_filter(strip, blur, mode="nearest")[above : above + len(rows)]
        if haze is not None:
            seen += haze.at(rows)
        seen *= _vignette(rows, light.shape, camera.vignette)
        signal = camera.gain * np.maximum(seen, 0) ** np.float32(camera.gamma)
        if camera.shot or camera.read:
            spread = np.sqrt(camera.shot * signal + camera.read**2)
            signal += spread * random.standard_normal(signal.shape, np.float32)
        signal += camera.offset
        counts[rows] = np.rint(np.clip(signal, 0, np.iinfo(counts.dtype).max))
    return counts


def _vignette(rows: npt.NDArray[np.int64], shape: tuple[int, ...], loss: float) -> Field:
    """Share of light kept; the lamp is slightly off the centre of the image."""
    down = (rows / shape[0] - 0.42) ** 2
    across = (np.arange(shape[1]) / shape[1] - 0.55) ** 2
    kept = (1 - loss * (down[:, None] + across)).astype(np.float32)
    return kept.reshape(kept.shape + (1,) * (len(shape) - 2))


class Haze:
    """Out-of-focus light: the image with a wide blur, on a coarse grid.

    Args:
        light: array of rows and columns.
        sigma: standard deviation of the blur in pixels.
        strength: share of the light.
        glow: constant light, added before the share is taken.

    Example:
        >>> Haze(np.ones((40, 40), np.float32), sigma=10, strength=0.5, glow=0.1).at(np.arange(1))[0, :3]
        array([0.55, 0.55, 0.55], dtype=float32)
    """

    def __init__(self, light: Field, sigma: float, strength: float, glow: float = 0.0) -> None:
        self.step = max(1, int(sigma // 4))
        starts = [np.arange(0, length, self.step) for length in light.shape]
        sums = np.add.reduceat(np.add.reduceat(light, starts[0], axis=0), starts[1], axis=1)
        down, across = (
            np.diff(start, append=length) for start, length in zip(starts, light.shape, strict=True)
        )
        means = sums / (down[:, None] * across)
        blurred = ndimage.gaussian_filter(means, sigma / self.step, mode="nearest")
        self.coarse = (strength * (blurred + glow)).astype(np.float32)
        self.columns = np.arange(light.shape[1])

    def at(self, rows: npt.NDArray[np.int64]) -> Field:
        """Return the haze in some rows of the image."""
        return enlarge(self.coarse, self.step, rows, self.columns)
