"""Which channels of an image to use, by number or by name."""

from collections.abc import Sequence

Channels = int | str | Sequence[int | str] | None
"""Numbers from 0, or names, of the channels to use, in this order; None for all."""


def chosen_channels(channels: Channels, names: Sequence[str], count: int) -> list[int]:
    """Find the numbers of the chosen channels.

    Args:
        channels: numbers or names of channels.
        names: names of the channels of the image, or nothing if it does not name them.
        count: number of channels of the image.

    Raises:
        ValueError: the image has no such channel, or several of that name.

    Example:
        >>> chosen_channels(["dapi", 0], ["GFP", "DAPI"], 2), chosen_channels(None, [], 2)
        ([1, 0], [0, 1])
        >>> chosen_channels(2, [], 2)
        Traceback (most recent call last):
        ...
        ValueError: there is no channel 2; choose from 0 to 1
    """
    if channels is None:
        return list(range(count))
    wanted = [channels] if isinstance(channels, int | str) else list(channels)
    return [_number(channel, [name.lower() for name in names], count) for channel in wanted]


def _number(channel: int | str, names: Sequence[str], count: int) -> int:
    if isinstance(channel, str):
        found = [place for place, name in enumerate(names) if name == channel.lower()]
        if len(found) == 1:
            return found[0]
    elif 0 <= channel < count:
        return channel
    named = f", or by name: {', '.join(names)}" if names else ""
    raise ValueError(f"there is no channel {channel}; choose from 0 to {count - 1}{named}")
