"""Arguments that several verbs take, and how their text is read."""

import argparse
from pathlib import Path
from typing import Any

from cellseg_monai.cli.verbs import argument

_JSON_WORDS = {"true": True, "false": False, "null": None}


class Pairs(argparse.Action):
    """Collect the pairs of an option in a dictionary; those of a repeated option are added."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add the pairs."""
        pairs = dict(values)
        if len(pairs) < len(values):
            raise ValueError(f"{option_string}: two values have the same name; give each a name of its own")
        setattr(namespace, self.dest, {**getattr(namespace, self.dest, {}), **pairs})


class ReadingOption(argparse.Action):
    """One of the options that together tell what to read of image files."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add the option to those given before it."""
        from dataclasses import replace

        from cellseg_monai.data import Reading

        given = getattr(namespace, "reading", Reading())
        namespace.reading = replace(given, **{str(self.const): values})


class PixelSize(argparse.Action):
    """One length, or one along each of x, y and z."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Store a number or a pair of them."""
        if len(values) > 3:
            raise ValueError(f"--pixel-size takes one to three lengths, along x, y and z, not {len(values)}")
        setattr(namespace, self.dest, values[0] if len(values) == 1 else tuple(values))


class Status(argparse.Action):
    """Print how far a run is, and end; like ``--help``, it needs no other argument."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Print the status."""
        from cellseg_monai.outputs.progress import read_progress

        print(read_progress(values, parser.prog.split()[-1]))
        parser.exit()


def setting(text: str) -> tuple[str, Any]:
    """Split ``id=value``; the value is written as in Python or JSON, or is text.

    Example:
        >>> setting("tta=true"), setting("classes={'0': 0}"), setting("loss=@losses#bce")
        (('tta', True), ('classes', {'0': 0}), ('loss', '@losses#bce'))
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=VALUE, such as max_epochs=30")
    return name, parsed(value)


def parsed(text: str) -> Any:
    """Value of a text that is written as in Python or JSON; otherwise the text itself."""
    import ast

    try:
        return _JSON_WORDS[text] if text in _JSON_WORDS else ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # the last two if nested deeply
        return text


def bundle_folder(text: str) -> Path:
    """Find a bundle by its folder or its name."""
    from cellseg_monai.runtime import find_bundle

    return find_bundle(text)


def _class_of_value(text: str) -> tuple[str, int | str]:
    value, _, number = text.partition("=")
    if not (value.isdecimal() and (number.isdecimal() or number == "ignore")):
        raise argparse.ArgumentTypeError(f"{text!r} is not VALUE=CLASS, such as 255=2 or 0=ignore")
    return value, number if number == "ignore" else int(number)


def channels(text: str) -> list[int | str]:
    """Split numbers or names of channels.

    Example:
        >>> channels("0,DAPI")
        [0, 'DAPI']
    """
    return [int(part) if part.isdecimal() else part for part in text.split(",")]


READING = (
    argument(
        "--channel", dest="reading", const="channels", action=ReadingOption, type=channels, metavar="C[,C]",
        help="channels to use, by number from 0 or by name (default: all)",
    ),
    argument(
        "--frame", dest="reading", const="frame", action=ReadingOption, type=int, metavar="N",
        help="frame of a movie to use, from 0",
    ),
    argument(
        "--z", dest="reading", const="z", action=ReadingOption, type=int, metavar="N",
        help="plane of a stack to use, from 0",
    ),
    argument(
        "--axes", dest="reading", const="axes", action=ReadingOption, metavar="LETTERS",
        help="what the dimensions of the files are, if they do not say it: ZYX for a stack, TYX for a movie, "
        "CYX for channels",
    ),
)  # fmt: skip
"""Which part of image files to read."""
SETTINGS = argument(
    "--set", dest="options", action=Pairs, type=setting, nargs="+", metavar="ID=VALUE",
    help="options of the bundle, such as threshold=0.4",
)  # fmt: skip
CLASSES = argument(
    "--classes", action=Pairs, type=_class_of_value, nargs="+", metavar="VALUE=CLASS",
    help="class of each mask value, such as 0=0 128=1 255=2, if the masks hold classes instead of objects; "
    "255=ignore leaves pixels out",
)  # fmt: skip
PIECES = argument("--pieces", action="store_true", help="count connected parts of a binary mask as objects")
FORCE = argument("--force", action="store_true", help="accept label maps that look like microscope images")
MODALITY = argument("--modality", metavar="PATTERN", help="regular expression for the modality in names")
PIXEL_SIZE = argument(
    "--pixel-size", action=PixelSize, type=float, nargs="+", metavar="UM",
    help="pixel size in micrometres, one value, x and y, or x, y and z (default: from the files)",
)  # fmt: skip
WEIGHTS = argument("--weights", metavar="FILE", help="weights of the network (default: those of the bundle)")
CLUSTER = argument(
    "--cluster", metavar="local[:N]|slurm[:N]|ADDRESS",
    help="Dask cluster that does it: processes of this machine, jobs of SLURM, or a scheduler's workers",
)  # fmt: skip
TRUST = argument(
    "--trust", action="store_true", help="use the bundle without an audit: its author can run code"
)
MODEL = argument(
    "bundle",
    metavar="bundle-or-weights",
    help="folder or name of a bundle, a file of weights, or the folder of a training",
)
