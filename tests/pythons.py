"""Install the wheel under other Pythons, and run tests and the demo there: `make test-pythons`.

    python tests/pythons.py 3.10 3.12 3.13
    python tests/pythons.py --dependencies lowest 3.10

The second line installs the lowest versions that the package allows instead of the tested set, and
`--dependencies newest` the newest. Both are run by hand, the first of them with uv on the path;
docs/explanation/dependencies.md has the results.

Every Python imports each module, finds each `_target_`, trains, segments and measures, and runs the demo.
Python 3.12, or the first if that is not among them, runs the core tests of each stage as well. While one
Python is tested, the next is installed.

The newest release under pyenv is taken, or else `python3.X` of the PATH. A Python that is missing is reported
and left out.
"""

import argparse
import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

logger = logging.getLogger("pythons")

REPOSITORY = Path(__file__).resolve().parents[1]
NEEDED = ["tests", "bundles", "docs", "pyproject.toml"]
"""What tests look for beside them. The package is not among it: they import what is installed."""

EXTRAS = ["export", "tracking"]

LIBRARIES = ["hypothesis", "pytest", "pytest-xdist", "scikit-learn", "shapely", "torchmetrics"]
"""What these tests import, besides the wheel and its extras `export` and `tracking`."""

EVERYWHERE = [
    *("tests/test_public_names.py", "tests/bundles/test_targets.py", "tests/test_cli.py"),
    *(
        "tests/jobs/test_prediction.py",
        "tests/jobs/test_measurement.py",
        "tests/training/test_tensor_file.py",
    ),
]
"""What each Python runs: every import and `_target_`, the command line, inference, measurement, training."""

CORE = [
    *("tests/test_label_maps.py", "tests/jobs/test_patch_sheet.py", "tests/jobs/test_conversion.py"),
    *("tests/annotations", "tests/data/layouts/test_annotations.py"),
    *("tests/data/readers", "tests/data/test_folds.py", "tests/data/test_datalist.py"),
    *("tests/transforms", "tests/networks", "tests/losses", "tests/instances"),
    *("tests/training/test_best_weights.py", "tests/training/test_resume.py"),
    *("tests/inference/test_inferer.py", "tests/inference/test_windows.py"),
    *("tests/inference/test_each_image.py", "tests/metrics/test_pixel.py", "tests/metrics/test_instance.py"),
    *("tests/metrics/test_matching.py", "tests/analysis/measure", "tests/export/test_tiff_writer.py"),
    *("tests/export/test_geojson.py", "tests/export/test_outlining.py"),
    *("tests/bundling/test_render.py", "tests/runtime/test_options.py", "tests/outputs"),
]
"""The core of each stage, for `CORE_PYTHON` or the first Python if that is not among them."""

CORE_PYTHON = "3.12"

NOT_QUICK = "not onnx and not inductor and not killed and not more_cells_than"


def interpreter(version: str) -> str | None:
    """The newest release of a version of Python such as 3.12."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    releases = sorted(pyenv.glob(f"{version}.*/bin/python"), key=lambda path: _release(path.parts[-3]))
    for candidate in [*map(str, reversed(releases)), shutil.which(f"python{version}")]:
        if candidate and _version(candidate) == version:
            return candidate
    return None


def _release(name: str) -> list[int]:
    return [int(part) if part.isdigit() else -1 for part in name.split(".")]


def _version(python: str) -> str:
    """Version of an interpreter; empty where it does not start, as one that pyenv only pretends to have."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def build_wheel(folder: Path) -> Path:
    """The package as its users install it."""
    _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], REPOSITORY)
    (wheel,) = folder.glob("*.whl")
    return wheel


def constrained(dependencies: str, version: str, folder: Path) -> list[str]:
    """Options of pip for the tested set, the newest or the lowest versions."""
    if dependencies == "newest":
        return []
    if dependencies == "tested":
        return ["-c", "constraints.txt"]
    lowest = folder / "lowest.txt"
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    options = ["--resolution", "lowest-direct", "--python-version", version, "--output-file", str(lowest)]
    _run(["uv", "pip", "compile", "--quiet", "pyproject.toml", *extras, *options], REPOSITORY)
    return ["-c", str(lowest)]


def install(version: str, python: str, wheel: Path, folder: Path, dependencies: str = "tested") -> None:
    """Install the wheel in an environment of its own, `folder`/venv.

    NVIDIA's libraries are the same files for every Python. They are linked from an environment beside this
    one, which saves 3 GB and half of the time.

    Raises:
        subprocess.CalledProcessError: the installation fails.
    """
    venv = folder / "venv"
    with _told(f"Python {version}: installation"):
        _run([python, "-m", "venv", str(venv)], REPOSITORY)
        (packages,) = venv.glob("lib/python*/site-packages")
        for library in folder.parent.glob("*/venv/lib/python*/site-packages/nvidia*"):
            if not (packages / library.name).exists():
                shutil.copytree(library, packages / library.name, copy_function=os.link)
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--no-compile"]
        chosen = constrained(dependencies, version, folder.parent)
        _run([*pip, *chosen, f"{wheel}[{','.join(EXTRAS)}]", *LIBRARIES], REPOSITORY)


def check(version: str, tests: Sequence[str], folder: Path) -> None:
    """Test the wheel in the environment that `install` has made, and run the demo.

    Raises:
        subprocess.CalledProcessError: one of these fails.
    """
    venv, place = folder / "venv", folder / "place"
    place.mkdir()
    for name in NEEDED:
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / name)
    with _told(f"Python {version}: tests"):
        chosen = ["-m", "not slow and not label", "-k", NOT_QUICK, *tests]
        parallel = ["-n", "2", "--dist", "loadfile"]
        _run(
            [str(venv / "bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *parallel, *chosen],
            place,
        )
    with _told(f"Python {version}: demo"):
        # make takes the environment as it is
        _run(
            [
                "make",
                f"--old-file={venv}/.ready",
                "demo",
                "MINUTES=0.5",
                f"VENV={venv}",
                f"DEMO={folder}/demo",
            ],
            REPOSITORY,
        )


def main(words: Sequence[str]) -> int:
    """Exit code: 1 if any Python fails, 0 also where some are missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("versions", nargs="+", metavar="VERSION", help="Python, such as 3.12")
    parser.add_argument("--dependencies", choices=["tested", "lowest", "newest"], default="tested")
    given = parser.parse_args(words)
    versions: Sequence[str] = given.versions
    pythons = {version: python for version in versions if (python := interpreter(version))}
    results = {
        version: f"NOT TESTED, there is no python{version} under pyenv or on the PATH"
        for version in versions
        if version not in pythons
    }
    core_python = CORE_PYTHON if CORE_PYTHON in pythons else next(iter(pythons), None)
    scratch = REPOSITORY / "build"
    scratch.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=scratch) as root, ThreadPoolExecutor(max_workers=1) as installing:
        wheel = build_wheel(Path(root))
        installed = {
            version: installing.submit(
                install, version, python, wheel, Path(root, version), given.dependencies
            )
            for version, python in pythons.items()
        }
        for version, installation in installed.items():
            try:
                installation.result()
                chosen = EVERYWHERE + (CORE if version == core_python else [])
                check(version, chosen, Path(root, version))
                results[version] = f"passed ({pythons[version]})"
            except subprocess.CalledProcessError as fault:
                results[version] = f"FAILED in {shlex.join(fault.cmd)[:200]}"
    for version in versions:
        logger.info("=== Python %s: %s ===", version, results[version])
    return int(any(result.startswith("FAILED") for result in results.values()))


def _run(command: Sequence[str], folder: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MAKEFLAGS")}
    subprocess.run(command, cwd=folder, check=True, env={**clean, "OMP_NUM_THREADS": "1"})


@contextmanager
def _told(what: str) -> Iterator[None]:
    started = time.monotonic()
    logger.info("--- %s", what)
    yield
    logger.info("--- %s: %.0f s", what, time.monotonic() - started)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.exit(main(sys.argv[1:]))
