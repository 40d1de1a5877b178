"""The wheel, installed under other Pythons, in quick tests and in the demo: `make test-pythons`.

    python tests/pythons.py 3.10 3.12 3.13

Of each Python the newest release under pyenv is taken, or else `python3.X` of the PATH. One that is not there
is told, and left out.
"""

import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

logger = logging.getLogger("pythons")

REPOSITORY = Path(__file__).resolve().parents[1]
NEEDED = ["tests", "bundles", "docs", "pyproject.toml"]
"""What tests look for beside them. The package is not among it: they import what is installed."""

LIBRARIES = ["hypothesis", "pytest", "pytest-xdist", "scikit-learn", "shapely", "torchmetrics"]
"""What the quick tests import, besides the wheel and its extras `export` and `tracking`."""

QUICK = [
    *("tests/test_public_names.py", "tests/bundles/test_targets.py", "tests/test_label_maps.py"),
    *(
        "tests/test_cli.py",
        "tests/jobs/test_prediction.py",
        "tests/jobs/test_measurement.py",
        "tests/jobs/test_patch_sheet.py",
    ),
    *("tests/data/readers", "tests/data/test_folds.py", "tests/data/test_datalist.py"),
    *("tests/transforms", "tests/networks", "tests/losses", "tests/instances"),
    *("tests/training/test_best_weights.py", "tests/training/test_plain.py", "tests/training/test_resume.py"),
    *("tests/inference/test_inferer.py", "tests/inference/test_windows.py"),
    *("tests/inference/test_each_image.py", "tests/metrics/test_pixel.py", "tests/metrics/test_instance.py"),
    *("tests/metrics/test_matching.py", "tests/analysis/measure", "tests/export/test_tiff_writer.py"),
    *("tests/export/test_geojson.py", "tests/export/test_outlining.py"),
    *("tests/bundling/test_render.py", "tests/runtime/test_options.py", "tests/outputs"),
]
"""The core of each stage, the command line, and `monai.bundle run` against `cellseg predict`."""

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


def check(version: str, python: str, wheel: Path, folder: Path) -> None:
    """Install the wheel in an environment of its own, test it, and run the demo.

    Raises:
        subprocess.CalledProcessError: one of these fails.
    """
    venv, place = folder / "venv", folder / "place"
    with _told(f"Python {version}: installation"):
        _run([python, "-m", "venv", str(venv)], REPOSITORY)
        pip = [str(venv / "bin/python"), "-m", "pip", "install", "--quiet", "--no-compile"]
        _run([*pip, "-c", "constraints.txt", f"{wheel}[export,tracking]", *LIBRARIES], REPOSITORY)
    place.mkdir()
    for name in NEEDED:
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / name)
    with _told(f"Python {version}: quick tests"):
        chosen = ["-m", "not slow and not label", "-k", NOT_QUICK, *QUICK]
        parallel = ["-n", "2", "--dist", "loadfile"]
        _run(
            [str(venv / "bin/python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *parallel, *chosen],
            place,
        )
    with _told(f"Python {version}: demo"):
        # make takes the environment as it is
        _run(["make", f"--old-file={venv}/.ready", "demo", f"VENV={venv}", f"DEMO={folder}/demo"], REPOSITORY)


def main(versions: Sequence[str]) -> int:
    """Exit code: 1 if any Python fails, 0 also where some are not there."""
    results = dict[str, str]()
    scratch = REPOSITORY / "build"
    scratch.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=scratch) as folder:
        wheel = build_wheel(Path(folder))
        for version in versions:
            python = interpreter(version)
            if python is None:
                results[version] = f"NOT TESTED, there is no python{version} under pyenv or on the PATH"
                continue
            with TemporaryDirectory(dir=scratch) as own:
                try:
                    check(version, python, wheel, Path(own))
                    results[version] = f"passed ({python})"
                except subprocess.CalledProcessError as fault:
                    results[version] = f"FAILED in {shlex.join(fault.cmd)[:200]}"
    for version, result in results.items():
        logger.info("=== Python %s: %s ===", version, result)
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
