"""What a stranger's configurations may name: the list of the package, and what a site adds to it."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from cellseg_monai.audit.keys import Key, read_key
from cellseg_monai.outputs import StrPath

ALLOWED = Path(__file__).parent / "allowed.yaml"
"""List of the package."""

_ADDABLE = ("targets", "names", "modules", "attributes", "pickles")
_SIGNATURES = ("keys", "signed_only")


@dataclass(frozen=True)
class Policy:
    """Names that an audit allows.

    Attributes:
        targets: import paths of classes and functions.
        bare: names that MONAI finds without a path, such as ``"LoadImaged"``.
        located: those of both that import a class by a text among their arguments.
        names: further names for expressions, such as ``"torch.float32"``; names of Python have no path.
        modules: modules that expressions may import.
        attributes: attributes of what an expression computes.
        pickles: what a pickle may call.
        keys: public keys of people whose signature counts.
        signed_only: whether bundles must be signed with one of these keys.

    Example:
        >>> policy = allowed()
        >>> "monai.losses.DiceLoss" in policy.targets, "DiceLoss" in policy.bare, "eval" in policy.bare
        (True, True, False)
    """

    targets: frozenset[str]
    bare: frozenset[str]
    located: frozenset[str]
    names: frozenset[str]
    modules: frozenset[str]
    attributes: frozenset[str]
    pickles: frozenset[str]
    keys: frozenset[Key] = frozenset()
    signed_only: bool = False


@functools.cache
def allowed() -> Policy:
    """Return the policy of the package.

    Example:
        >>> "torch.float32" in allowed().names, "open" in allowed().names
        (True, False)
    """
    content = yaml.safe_load(ALLOWED.read_text(encoding="utf-8"))
    targets = set(_paths(content["targets"]))
    for path in _paths(content["dictionary_transforms"]):
        targets |= {path, *_dictionary(path)}
    for path in _paths(content["dictionary_transforms_alone"]):
        targets |= set(_dictionary(path))
    located = set(_paths(content["located"]))
    return Policy(
        targets=frozenset(targets),
        bare=frozenset(_last(path) for path in targets if path.startswith("monai.")),
        located=frozenset({*located, *map(_last, located)}),
        names=frozenset(_paths(content["names"])),
        modules=frozenset(content["modules"].split()),
        attributes=frozenset(content["attributes"].split()),
        pickles=frozenset(content["pickles"].split()),
    )


def read_policy(file: StrPath) -> Policy:
    """Add the names of a file to those of the package.

    Args:
        file: YAML or JSON with lists under ``targets``, ``names``, ``modules``, ``attributes`` and
            ``pickles``, each optional; targets and names with their import path. ``keys`` lists public
            keys, as files beside this one or as lines, and ``signed_only: true`` refuses bundles without a
            signature of one of them.

    Raises:
        ValueError: the file has another key, or a value is not a list of names.
        FileNotFoundError: the file of a key does not exist.

    Example:
        >>> from tempfile import mkdtemp
        >>> file = Path(mkdtemp()) / "site.yaml"
        >>> _ = file.write_text("targets: [our_lab.nets.OurNet]")
        >>> "our_lab.nets.OurNet" in read_policy(file).targets
        True
    """
    file = Path(file)
    try:
        text = file.read_text(encoding="utf-8")
        content: Any = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise ValueError(f"{file}: not YAML or JSON ({error})") from error
    known = (*_ADDABLE, *_SIGNATURES)
    if not isinstance(content, Mapping) or (unknown := sorted(content.keys() - set(known))):
        found = ", ".join(map(str, unknown)) if isinstance(content, Mapping) else repr(content)
        raise ValueError(f"{file}: {found} must be one of {', '.join(known)}, each with a list of names")
    lists = dict(content)
    signed_only = lists.pop("signed_only", False)
    if not isinstance(signed_only, bool):
        raise ValueError(f"{file}: signed_only must be true or false, not {signed_only!r}")
    for key, names in lists.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError(f"{file}: {key} must be a list of names, such as [our_lab.nets.OurNet]")
    keys = frozenset(read_key(key, file.parent) for key in lists.pop("keys", ()))
    if signed_only and not keys:
        raise ValueError(f"{file}: signed_only needs keys, such as keys: [lab.pub]")
    base = vars(allowed())
    added = {key: base[key] | frozenset(lists.get(key, ())) for key in _ADDABLE}
    return replace(allowed(), **added, keys=keys, signed_only=signed_only)


def _paths(groups: Mapping[str, str]) -> list[str]:
    return [
        f"{module}.{name}" if module else name for module, names in groups.items() for name in names.split()
    ]


def _dictionary(path: str) -> list[str]:
    return [path + suffix for suffix in ("d", "D", "Dict")]


def _last(path: str) -> str:
    return path.rpartition(".")[2]
