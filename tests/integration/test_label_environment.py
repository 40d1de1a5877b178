"""The environment that ``make label-env`` sets up has whatever its packages ask for."""

import json
import subprocess

import pytest

pytestmark = pytest.mark.label

LEFT_OUT = {
    # MONAI Label's extras of MONAI and its segment-anything model; the app for bundles works without.
    "monailabel": {"sam2", "mlflow", "gdown", "lmdb", "openslide-python", "openslide-bin", "itk"},
}
"""By package, what it requires and has not got, on purpose."""

LACKING = """
import json
from importlib.metadata import PackageNotFoundError, distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def asked(name, extras, seen):
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    for text in distribution(name).requires or ():
        wanted = Requirement(text)
        if wanted.marker and not any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        needed = canonicalize_name(wanted.name)
        try:
            version = distribution(needed).version
        except PackageNotFoundError:
            yield name, needed, None
            continue
        if not wanted.specifier.contains(version, prereleases=True):
            yield name, needed, f"{version} is not {wanted.specifier}"
        for _, lacking, why in asked(needed, tuple(sorted(wanted.extras)), seen):
            yield name if wanted.extras else needed, lacking, why


seen = set()
names = [canonicalize_name(found.metadata["Name"]) for found in distributions()]
print(json.dumps([entry for name in names for entry in asked(name, (), seen)]))
"""


def test_every_requirement_is_met(label_python: str) -> None:
    """Of all packages that are installed, with their extras where one asks for them."""
    done = subprocess.run([label_python, "-c", LACKING], capture_output=True, text=True, check=True)
    lacking = json.loads(done.stdout)
    unmet = [entry for entry in lacking if entry[2] is not None or entry[1] not in LEFT_OUT.get(entry[0], ())]
    assert unmet == []


def test_torch_and_what_the_server_draws_with_are_imported(label_python: str) -> None:
    """A PyTorch for CUDA does not load without the libraries that it requires."""
    words = "import torch, torchvision.utils, monailabel.app; print(torch.ones(2).sum().item())"
    done = subprocess.run([label_python, "-c", words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "2.0"
