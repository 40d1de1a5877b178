"""A virtual environment for each of the other tools, made once from the requirements beside this file.

Each tool needs its own environment, because they need different versions of NumPy and different frameworks.
The versions are pinned, so that the table can be reproduced.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = Path("~/.cache/cellseg_monai/peers").expanduser()
PYTHON = "3.11"
READY = "ready.txt"


def requirements(tool: str) -> Path:
    """Pinned packages of a tool.

    Raises:
        ValueError: the tool is unknown.
    """
    path = HERE / f"{tool}.txt"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in HERE.glob("*.txt")))
        raise ValueError(f"tool={tool!r} has no requirements in {HERE}; known are {known}")
    return path


def ready(tool: str, cache: Path = CACHE) -> bool:
    """Whether the environment exists and was made from the current requirements."""
    marker = cache / tool / READY
    return marker.is_file() and marker.read_text() == requirements(tool).read_text()


def python_of(tool: str, cache: Path = CACHE) -> Path:
    """Return the interpreter of a tool; make its environment if it is missing or its requirements changed.

    Raises:
        RuntimeError: Python is not available in the version that the packages are pinned for.
        subprocess.CalledProcessError: a package cannot be installed; pip prints the reason.
    """
    folder = cache / tool
    python = folder / "bin" / "python"
    if not ready(tool, cache):
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([_interpreter(), "-m", "venv", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements(tool))]
        subprocess.run(install, check=True)
        (folder / READY).write_text(requirements(tool).read_text())
    return python


def environment_of(threads: int) -> dict[str, str]:
    """Environment variables with the same number of threads for every library, and without GPU.

    Raises:
        ValueError: fewer than one thread.
    """
    if threads < 1:
        raise ValueError(f"threads={threads} must be at least 1")
    counts = dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "NUMBA_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
        ),
        str(threads),
    )
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1", "TF_NUM_INTEROP_THREADS": "1"}
    return {**os.environ, **counts, **quiet}


def _interpreter() -> str:
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == PYTHON:
        return sys.executable
    found = shutil.which(f"python{PYTHON}")
    if found is None:
        raise RuntimeError(f"the other tools are pinned for Python {PYTHON}; put python{PYTHON} on the PATH")
    return found
