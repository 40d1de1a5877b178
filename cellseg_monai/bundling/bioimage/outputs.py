"""What the network of a bundle says, told so that programs which know nothing of this package use it.

QuPath and others take a network of one output, and a postprocessing applies to all channels of an output. A
sigmoid or softmax of all channels is therefore left to them; where one channel alone is a logit, the exported
network ends with its sigmoid.
"""

from typing import Literal, NamedTuple

Activation = Literal["sigmoid", "softmax", "first"]
"""What makes probabilities of logits: sigmoid, softmax over the channels, or sigmoid of the first alone."""


class Output(NamedTuple):
    """What one kind of network says of a pixel.

    Attributes:
        names: of the channels.
        activation: that its decoding starts with.
        meaning: in words.
        to_cells: what a program has to do to get cells.

    Example:
        >>> OUTPUTS["foreground"].names
        ('foreground',)
    """

    names: tuple[str, ...]
    activation: Activation
    meaning: str
    to_cells: str


OUTPUTS = {
    "foreground": Output(
        ("foreground",),
        "sigmoid",
        "the probability that a pixel is cell",
        "Cells are the connected components of what lies above the threshold {threshold:g}.",
    ),
    "foreground and distance": Output(
        ("foreground", "distance"),
        "first",
        "the probability that a pixel is cell, and its distance to the border of its own cell as a fraction "
        "of the largest distance in that cell",
        "Cells are what lies above {threshold:g} in the channel foreground, parted where they touch by a "
        "watershed of the channel distance: each summit that rises by {seed_height:g} above the pass to a "
        "higher one is a cell.",
    ),
    "interior and boundary": Output(
        ("background", "interior", "boundary"),
        "softmax",
        "the probabilities of background, interior and boundary of a cell",
        "Cells are the connected interiors, each grown back over the boundary around it.",
    ),
    "classes": Output(
        (), "softmax", "the probability of each class", "Each pixel is of the likeliest class."
    ),
}
"""By what the decoding of a bundle reads; classes are named by their number."""


def output_of(decodes: str, channels: int) -> Output:
    """What a network of a number of channels says.

    Args:
        decodes: as the decoding of the bundle has it.
        channels: of the network.

    Raises:
        ValueError: there is no description of such an output.

    Example:
        >>> output_of("classes", 3).names
        ('class 0', 'class 1', 'class 2')
    """
    if decodes not in OUTPUTS:
        raise ValueError(
            f"there is no description of a network that says {decodes!r}; choose one of {', '.join(OUTPUTS)}"
        )
    output = OUTPUTS[decodes]
    names = output.names or tuple(f"class {number}" for number in range(channels))
    if len(names) != channels:
        raise ValueError(f"the network has {channels} channels, and {decodes!r} has {len(names)}")
    return output._replace(names=names)
