"""A bundle by its folder, or by its name among those that come with the package."""

from os import PathLike
from pathlib import Path

BASE = "_base"
"""The folder beside the bundles that holds what they share."""

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED, _CHECKOUT = _PACKAGE / "_bundles", _PACKAGE.parent / "bundles"
METADATA = Path("configs/metadata.json")


def find_bundle(name_or_path: str | PathLike[str]) -> Path:
    """The folder of a bundle: a path that is there, or else the name of one that comes with the package.

    Args:
        name_or_path: folder (or zip) of a bundle, or a name of :func:`known_bundles`.

    Returns:
        Its path; of a name, an absolute one.

    Raises:
        FileNotFoundError: there is neither; the message lists the names.

    Example:
        >>> find_bundle("patch_attention_unet").name
        'patch_attention_unet'
        >>> find_bundle("patch_attention")
        Traceback (most recent call last):
        ...
        FileNotFoundError: patch_attention: there is no such bundle; give its folder, or one of these names:
        attention_unetpp, ...
    """
    path = Path(name_or_path)
    if path.exists():
        return path
    known = known_bundles()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    names = f"one of these names: {', '.join(known)}" if known else "as none comes with this installation"
    raise FileNotFoundError(f"{name_or_path}: there is no such bundle; give its folder, or {names}")


def known_bundles() -> dict[str, Path]:
    """The bundles that come with the package, by name.

    They lie in the installed package, or beside it in a checkout of the repository.

    Example:
        >>> sorted(known_bundles())[0]
        'attention_unetpp'
    """
    home = _CHECKOUT if (_CHECKOUT / BASE).is_dir() else _INSTALLED
    return {file.parents[1].name: file.parents[1] for file in sorted(home.glob(f"*/{METADATA}"))}
