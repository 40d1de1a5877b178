"""What an installation of the package brings along: a bill of materials, and the licences.

`make sbom` runs this file after CycloneDX has listed everything in the environment of development.
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
FOR_DEVELOPERS = ("dev", "docs")
EXTRAS = [name for name in PROJECT["optional-dependencies"] if name not in FOR_DEVELOPERS]

PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|HPND|Unlicense|CC0|BSL|Public Domain",
    re.IGNORECASE,
)
RECIPROCAL = re.compile(r"GPL|MPL|Mozilla|EPL|CDDL|EUPL|proprietary|NVIDIA", re.IGNORECASE)


def direct(extras: Iterable[str] = ()) -> list[Requirement]:
    """Requirements of pyproject.toml."""
    optional = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for name in extras for line in optional[name])]
    return [Requirement(line) for line in lines]


def installed(requirements: Iterable[Requirement]) -> dict[str, Distribution]:
    """Packages that these requirements bring along, as far as they are installed here."""
    found: dict[str, Distribution] = {}
    seen, todo = set[tuple[str, frozenset[str]]](), list(requirements)
    while todo:
        wanted = todo.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue
        for line in found[name].requires or ():
            further = Requirement(line)
            if further.marker is None or any(further.marker.evaluate({"extra": e}) for e in ("", *extras)):
                todo.append(further)
    return dict(sorted(found.items()))


def licence(package: Distribution) -> str:
    """Licence of a package as its metadata state it."""
    known = package.metadata
    if expression := known.get("License-Expression"):
        return str(expression)
    classifiers = [text for text in known.get_all("Classifier") or () if text.startswith("License ::")]
    stated = (known.get("License") or "").strip().partition("\n")[0]
    return ", ".join(sorted(text.rpartition(" :: ")[2] for text in classifiers)) or stated


def is_permissive(text: str) -> bool:
    """Whether a licence asks for nothing but its notice."""
    return bool(PERMISSIVE.search(text)) and not RECIPROCAL.search(text)


def bill_of(everything: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Bill of materials of some packages, from that of a whole environment."""
    wanted = set(names)
    parts = [part for part in everything["components"] if canonicalize_name(part["name"]) in wanted]
    references = {part["bom-ref"] for part in parts}
    root = everything["metadata"]["component"]["bom-ref"]
    links = [
        {**link, "dependsOn": [one for one in link.get("dependsOn", ()) if one in references]}
        for link in everything["dependencies"]
        if link["ref"] in references | {root}
    ]
    return {**everything, "components": parts, "dependencies": links}


if __name__ == "__main__":
    file = Path(sys.argv[1])
    packages = installed(direct())
    bill = bill_of(json.loads(file.read_text()), packages)
    file.write_text(json.dumps(bill, indent=1) + "\n")
    for name, package in packages.items():
        sys.stdout.write(f"{name} {package.version}: {licence(package)}\n")
    sys.stdout.write(f"{len(packages)} packages in {file}\n")
