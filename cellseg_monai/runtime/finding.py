"""A bundle by its folder, or by its name among those that come with the package."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from cellseg_monai.runtime.settings import WEIGHTS, kept_bundle

BASE = "_base"
"""The folder beside the bundles that holds what they share."""

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED, _CHECKOUT = _PACKAGE / "_bundles", _PACKAGE.parent / "bundles"
METADATA = Path("configs/metadata.json")
INFERENCE = Path("configs/inference.json")


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


def find_model(name_or_path: str | PathLike[str]) -> tuple[Path, Path | None]:
    """A bundle, or weights with the bundle that they were trained with.

    Args:
        name_or_path: folder of a bundle, a name of :func:`known_bundles`, a file of weights, or a folder that
            holds ``model.pt``, such as that of a training.

    Returns:
        Folder of the bundle, and file of the weights; None for those in the bundle.

    Raises:
        FileNotFoundError: there is neither, or the bundle of the weights is not known.

    Example:
        >>> find_model("patch_attention_unet")[1] is None
        True
    """
    path = Path(name_or_path)
    if (path / INFERENCE).is_file() or not path.exists():
        return find_bundle(name_or_path), None
    found = [file for file in (path, path / "model.pt", path / WEIGHTS) if file.is_file()]
    if not found or found[0].suffix != ".pt":
        raise FileNotFoundError(
            f"{path}: it holds neither {INFERENCE.as_posix()} nor model.pt; give a bundle, or the folder to "
            "which a training wrote its weights"
        )
    bundle = kept_bundle(found[0])
    if bundle is not None and not (bundle / INFERENCE).is_file():
        bundle = known_bundles().get(bundle.name)
    if bundle is None:
        raise FileNotFoundError(
            f"{found[0]}: the bundle that these weights were trained with is not there; name one and the "
            f"weights: cellseg predict BUNDLE ... --set weights={found[0]}"
        )
    return bundle, found[0]


def inference_files(bundle: Path, options: Mapping[str, Any]) -> list[str]:
    """The configurations to run for options: ``inference.json``, and ``choices.json`` if one picks from it.

    Raises:
        FileNotFoundError: the folder is not a bundle.

    Example:
        >>> bundle = find_bundle("skip_unet")
        >>> [Path(file).name for file in inference_files(bundle, {"loss": "@losses#bce"})]
        ['inference.json', 'choices.json']
    """
    if not (bundle / INFERENCE).is_file():
        raise FileNotFoundError(f"{bundle / INFERENCE}: there is no such bundle")
    choices = bundle / "configs/choices.json"
    files = [bundle / INFERENCE, choices] if picks(options) and choices.is_file() else [bundle / INFERENCE]
    return [str(file) for file in files]


def picks(options: Mapping[str, Any]) -> bool:
    """Whether an option picks a part of a configuration, such as ``@losses#dice_ce``.

    Example:
        >>> picks({"loss": "@losses#dice_ce"}), picks({"scale": 0.5})
        (True, False)
    """
    return any(isinstance(value, str) and value.startswith(("@", "%")) for value in options.values())


def known_bundles() -> dict[str, Path]:
    """The bundles that come with the package, by name.

    They lie in the installed package, or beside it in a checkout of the repository.

    Example:
        >>> sorted(known_bundles())[0]
        'attention_unetpp'
    """
    home = _CHECKOUT if (_CHECKOUT / BASE).is_dir() else _INSTALLED
    return {file.parents[1].name: file.parents[1] for file in sorted(home.glob(f"*/{METADATA}"))}
