"""Descriptions of the outputs of a network, for programs that know nothing of this package.

QuPath and others take a network with one output, and a postprocessing applies to all channels of an output.
These programs therefore apply a sigmoid or softmax to all channels themselves. If only one channel is a
logit, the exported network applies the sigmoid to it.
"""

from typing import NamedTuple


class Output(NamedTuple):
    """Description of the output of one kind of network.

    Attributes:
        names: names of the channels.
        meaning: what the values are.
        to_cells: how a program makes cells of them.

    Example:
        >>> OUTPUTS["foreground"].names
        ('foreground',)
    """

    names: tuple[str, ...]
    meaning: str
    to_cells: str


OUTPUTS = {
    "foreground": Output(
        ("foreground",),
        "the probability that a pixel belongs to a cell",
        "Cells are the connected components of the pixels above the threshold {threshold:g}.",
    ),
    "foreground and distance": Output(
        ("foreground", "distance"),
        "the probability that a pixel belongs to a cell, and its distance to the border of its cell as a "
        "fraction of the largest distance in that cell",
        "Cells are the pixels above {threshold:g} in the channel foreground. Touching cells are separated by "
        "a watershed of the channel distance: each peak that rises by {seed_height:g} above the pass to a "
        "higher peak is a cell.",
    ),
    "interior and boundary": Output(
        ("background", "interior", "boundary"),
        "the probabilities of background, interior and boundary of a cell",
        "Cells are the connected interiors, each grown back over the boundary around it.",
    ),
    "classes": Output((), "the probability of each class", "Each pixel has its most likely class."),
}
"""Description by training target of the decoding; classes are named by their number."""


def output_of(decodes: str, channels: int) -> Output:
    """Describe the output of a network.

    Args:
        decodes: training target of the decoding.
        channels: number of output channels of the network.

    Raises:
        ValueError: If there is no description of such an output.

    Example:
        >>> output_of("classes", 3).names
        ('class 0', 'class 1', 'class 2')
    """
    if decodes not in OUTPUTS:
        raise ValueError(
            f"bioimage.io packages do not support the target {decodes!r}; it must be one of "
            f"{', '.join(OUTPUTS)}"
        )
    output = OUTPUTS[decodes]
    names = output.names or tuple(f"class {number}" for number in range(channels))
    if len(names) != channels:
        raise ValueError(f"the network has {channels} channels, but {decodes!r} has {len(names)}")
    return output._replace(names=names)
