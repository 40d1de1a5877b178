"""Bundles by folder, or by name if they come with the package; weights with the bundle of their training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs import StrPath
from cellseg_monai.runtime.settings import WEIGHTS, kept_bundle
from cellseg_monai.runtime.trust import require_trust

BASE = "_base"
"""Folder beside the bundles with what they share."""

_PACKAGE = Path(__file__).resolve().parents[1]
_INSTALLED, _CHECKOUT = _PACKAGE / "_bundles", _PACKAGE.parent / "bundles"
METADATA = Path("configs/metadata.json")
INFERENCE = Path("configs/inference.json")
LARGE = Path("configs/inference_large.json")


class Inference(NamedTuple):
    """Configuration of the inference of a bundle.

    Attributes:
        bundle: folder of the bundle.
        files: configuration files; each is laid over those before it.
        options: values by id, with the weights if they are not those of the bundle.
    """

    bundle: Path
    files: list[str]
    options: dict[str, Any]


def find_inference(
    name_or_path: StrPath, options: Mapping[str, Any] | None = None, trust: bool = False
) -> Inference:
    """Find the inference of a bundle, or of weights, and audit what does not come with the package.

    Args:
        name_or_path: bundle or weights, as in :func:`find_model`.
        options: further values of ``inference.json`` by id.
        trust: whether to use the bundle and the weights without an audit.

    Raises:
        FileNotFoundError: there is no such bundle, or the bundle of the weights is not known.
        Untrusted: the audit refuses the bundle or the weights.

    Example:
        >>> find_inference("skip_unet", {"scale": 0.5}).options
        {'scale': 0.5}
    """
    bundle, weights = find_model(name_or_path)
    changes = ({} if weights is None else {"weights": str(weights)}) | dict(options or {})
    files = inference_files(bundle, changes)
    require_trust(bundle, trust)
    if (own := changes.get("weights")) is not None and Path(own).is_file():
        if not Path(own).resolve().is_relative_to(bundle.resolve()):
            require_trust(own, trust)
    return Inference(bundle, files, changes)


def find_bundle(name_or_path: StrPath) -> Path:
    """Find the folder of a bundle by its path, or else by its name if it comes with the package.

    Args:
        name_or_path: folder (or zip) of a bundle, or a name in :func:`known_bundles`.

    Returns:
        The path as given, or the absolute path of a named bundle.

    Raises:
        FileNotFoundError: there is no such path or name; the message lists the names.

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
    names = f"one of these names: {', '.join(known)}" if known else "install a version that has bundles"
    raise FileNotFoundError(f"{name_or_path}: there is no such bundle; give its folder, or {names}")


def find_model(name_or_path: StrPath) -> tuple[Path, Path | None]:
    """Find a bundle, or weights with the bundle that they were trained with.

    Args:
        name_or_path: folder of a bundle, a name in :func:`known_bundles`, a file of weights, or a folder with
            ``model.pt``, such as the output of a training.

    Returns:
        Folder of the bundle, and file of the weights; None for the weights of the bundle.

    Raises:
        FileNotFoundError: there is no such bundle or file, or the bundle of the weights is not known.

    Example:
        >>> find_model("patch_attention_unet")[1] is None
        True
    """
    path = Path(name_or_path)
    if (path / INFERENCE).is_file() or not path.exists():
        return find_bundle(name_or_path), None
    weights = next((file for file in (path, path / "model.pt", path / WEIGHTS) if file.is_file()), None)
    if weights is None or weights.suffix != ".pt":
        raise FileNotFoundError(
            f"{path}: there is neither {INFERENCE.as_posix()} nor model.pt here; give a bundle, or the "
            "output folder of a training"
        )
    bundle = kept_bundle(weights)
    if bundle is not None and not (bundle / INFERENCE).is_file():
        bundle = known_bundles().get(bundle.name)
    if bundle is None:
        raise FileNotFoundError(
            f"{weights}: the bundle that these weights were trained with does not exist; give a bundle and "
            f"the weights: cellseg predict BUNDLE ... --set weights={weights}"
        )
    return bundle, weights


def inference_files(bundle: Path, options: Mapping[str, Any]) -> list[str]:
    """Configurations of an inference: ``inference.json``, and ``choices.json`` if an option picks from it.

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
    return [str(bundle / INFERENCE), *([str(choices)] if picks(options) and choices.is_file() else [])]


def picks(options: Mapping[str, Any]) -> bool:
    """Whether an option picks a part of a configuration, such as ``@losses#dice_ce``.

    Example:
        >>> picks({"loss": "@losses#dice_ce"}), picks({"scale": 0.5})
        (True, False)
    """
    return any(isinstance(value, str) and value.startswith(("@", "%")) for value in options.values())


def known_bundles() -> dict[str, Path]:
    """Bundles by name that come with the package, installed or in a checkout of the repository.

    Example:
        >>> sorted(known_bundles())[0]
        'attention_unetpp'
    """
    home = _CHECKOUT if (_CHECKOUT / BASE).is_dir() else _INSTALLED
    return {file.parents[1].name: file.parents[1] for file in sorted(home.glob(f"*/{METADATA}"))}
