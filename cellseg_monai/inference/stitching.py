"""Stitch the predictions of windows, in reading order, to one image."""

from collections.abc import Iterable, Iterator
from itertools import islice

import torch

from cellseg_monai.inference.windows import Place, Tiling


def stitch(
    tiling: Tiling, weights: torch.Tensor, predictions: Iterable[torch.Tensor]
) -> Iterator[tuple[int, torch.Tensor]]:
    r"""Join the windows of one image by a weighted mean, and yield rows as soon as they are final.

    Memory holds a band with the height of one window: the sums, the weights, and the weights that one row of
    windows adds, which are the same for all rows. MONAI holds sums and weights of the whole image.

    Args:
        tiling: positions of the windows.
        weights: weight of each pixel of a window, on the device of the predictions.
        predictions: predictions for the windows, shape (channels, \*window), in reading order; they are taken
            one by one.

    Yields:
        First row, and the final rows from there, shape (channels, rows, …), of the padded image, in float32,
        or in float64 if the network computes in it. The rows share memory with the band: copy them before you
        take the next ones.

    Example:
        >>> tiling = Tiling(shape=(4,), window=(3,), starts=((0, 1),))
        >>> predictions = [torch.ones(1, 3), 2 * torch.ones(1, 3)]
        >>> [(start, rows.tolist()) for start, rows in stitch(tiling, torch.ones(3), predictions)]
        [(0, [[1.0]]), (1, [[1.5, 1.5, 2.0]])]
    """
    waiting = iter(predictions)
    if len(tiling) == 1:
        yield 0, _precise(next(waiting))
        return
    band: _Band | None = None
    for row in tiling.rows():
        for place in row.places:
            prediction = _precise(next(waiting))
            band = band or _Band(tiling, weights, prediction)
            band.add(place, prediction)
        assert band is not None  # a row has at least one window
        yield row.start, band.finish(row.final - row.start)


def assemble(
    tiling: Tiling,
    weights: torch.Tensor,
    predictions: Iterator[torch.Tensor],
    images: int,
    dtype: torch.dtype | None = None,
) -> torch.Tensor:
    """Stitch the windows of several images to one tensor, without the padding.

    Args:
        tiling: windows of each image.
        weights: weight of each pixel of a window.
        predictions: predictions for the windows, image by image.
        images: number of images.
        dtype: dtype of the result; by default that of the sums.

    Returns:
        Tensor of shape (images, channels, …).

    Example:
        >>> tiling = Tiling(shape=(2,), window=(4,), starts=((0,),))
        >>> assemble(tiling, torch.ones(4), iter([torch.arange(4)[None]]), images=1)
        tensor([[[1., 2.]]])
    """
    inside = [slice(before, before + side) for before, side in zip(tiling.before, tiling.shape, strict=True)]
    result: torch.Tensor | None = None
    for image in range(images):
        for start, rows in stitch(tiling, weights, islice(predictions, len(tiling))):
            found = rows[(slice(None), *inside)]  # rows are padded only if they come all at once
            if images == 1 and len(tiling.starts[0]) == 1:
                return found[None].to(dtype or found.dtype)
            if result is None:
                result = found.new_empty((images, len(found), *tiling.shape), dtype=dtype or found.dtype)
            result[image, :, start : start + found.shape[1]] = found
    assert result is not None
    return result


def _precise(prediction: torch.Tensor) -> torch.Tensor:
    """Convert half precision, in which sums would lose the last windows."""
    return prediction if prediction.dtype == torch.float64 else prediction.float()


class _Band:
    """Sums of the predictions and of their weights, from the first row that is not final."""

    def __init__(self, tiling: Tiling, weights: torch.Tensor, like: torch.Tensor) -> None:
        self.tiling = tiling
        self.height = tiling.window[0]
        self.weights = weights.to(like)
        size = (self.height, *tiling.padded[1:])
        self.sums = like.new_zeros((like.shape[0], *size))
        self.shares = like.new_zeros(size)
        self.row_shares = like.new_zeros(size)
        for place in next(tiling.rows()).places:
            self.row_shares[self._box(place)] += self.weights
        self.finished = self.height

    def add(self, place: Place, prediction: torch.Tensor) -> None:
        if self.finished:
            self._move()
        self.sums[(slice(None), *self._box(place))].addcmul_(prediction, self.weights)

    def finish(self, rows: int) -> torch.Tensor:
        """Return the means of the first rows, which leave the band when the next window comes."""
        self.finished = rows
        return self.sums[:, :rows].div_(self.shares[:rows])

    def _move(self) -> None:
        """Drop the finished rows and make room for the next row of windows."""
        kept = self.height - self.finished
        for held in (self.sums, self.shares[None]):
            held[:, :kept] = held[:, self.finished :].clone()
            held[:, kept:] = 0
        self.shares += self.row_shares
        self.finished = 0

    def _box(self, place: Place) -> tuple[slice, ...]:
        """Return the position of a window in the band."""
        return (slice(0, self.height), *self.tiling.box(place)[1:])
