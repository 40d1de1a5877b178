"""``cellseg doctor``: what is installed, what this machine offers, what is missing, and whether it works."""

import os
import platform
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cellseg_monai.cli.results import Outcome
from cellseg_monai.cli.verbs import Verb

PACKAGE = "cellseg-monai"
MODEL = "patch_attention_unet"
"""Bundle of the self-test, which comes with the package."""

APART = {"label": "not installed; it needs an environment of its own: make label-env"}
"""Extras whose requirements contradict those of the others."""

_WIDTH = 25
_END = "To report a bug, paste all of this, and the command with its error. No path of yours is in it."


def doctor() -> Outcome:
    """Describe the installation and the machine, and segment one synthetic image."""
    missing = _missing()
    test, works = _self_test()
    facts = {
        "installed": {"python": platform.python_version(), **_versions()},
        "machine": _machine(),
        "extras": {
            extra: APART.get(extra, lines) if lines else "installed"
            for extra, lines in missing.items()
            if extra
        },
        "required": missing.get("") or "all installed",
        "self-test": test,
    }
    return Outcome(_as_text(facts), facts, failed=not works or bool(missing.get("")))


def _as_text(facts: dict[str, Any]) -> str:
    rows = {**facts["installed"], **facts["machine"], "required": facts["required"]}
    rows |= {f"extra {extra}": state for extra, state in facts["extras"].items()}
    rows["self-test"] = facts["self-test"]
    return "\n".join([*(f"{name:<{_WIDTH}}{_shown(state)}" for name, state in rows.items()), "", _END])


def _shown(state: str | list[str]) -> str:
    return state if isinstance(state, str) else f"missing: python -m pip install {' '.join(state)}"


def _versions() -> dict[str, str]:
    """Installed version of the package and of each package that it requires."""
    from cellseg_monai.outputs.origin import version_of

    return {name: version_of(name) for name in (PACKAGE, *(each.name for each in _requirements("")))}


def _missing() -> dict[str, list[str]]:
    """Requirements that are not met, quoted for a shell: of the package under "", and of each extra."""
    from importlib import metadata

    from cellseg_monai.outputs.origin import version_of

    extras = metadata.metadata(PACKAGE).get_all("Provides-Extra") or []
    return {
        extra: [
            f'"{each.name}{each.specifier}"'
            for each in _requirements(extra)
            if not each.specifier.contains(version_of(each.name), prereleases=True)
        ]
        for extra in ("", *(name for name in extras if name not in ("dev", "docs")))
    }


def _requirements(extra: str) -> Iterator[Any]:
    """Requirements of the package for this Python, without those of other extras."""
    from importlib import metadata

    from packaging.requirements import Requirement

    for line in metadata.requires(PACKAGE) or ():
        each = Requirement(line)
        applies = [each.marker is None or each.marker.evaluate({"extra": name}) for name in ("", extra)]
        if applies == [not extra, True]:
            yield each


def _machine() -> dict[str, str]:
    return {"system": platform.platform(), **_devices(), "memory": _memory(), "disk": _disk()}


def _devices() -> dict[str, str]:
    """Device, half precision and threads that PyTorch uses."""
    try:
        import torch

        from cellseg_monai.runtime import half_precision
        from cellseg_monai.runtime.provenance import default_device
        from cellseg_monai.training.bfloat16 import computes_bfloat16
    except ImportError as error:
        return {"device": f"not known: {_private(str(error))}"}
    device, half = default_device(), "none: this processor computes in float32"
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        device += f", {_gigabytes(free)} free of {_gigabytes(total)}, CUDA {torch.version.cuda}"
        half = f"{half_precision()} on the GPU".removeprefix("torch.")
    elif computes_bfloat16():
        half = "bfloat16: this processor has instructions for it"
    limit = os.environ.get("OMP_NUM_THREADS")
    why = f", as OMP_NUM_THREADS={limit} says" if limit else ""
    threads = f"{torch.get_num_threads()} of {os.cpu_count()} processors{why}"
    return {"device": device, "half precision": half, "threads": threads}


def _memory() -> str:
    """Free memory, and how much may be used where a container or a cluster's job limits it."""
    from cellseg_monai.memory import usable

    table = Path("/proc/meminfo")  # on Linux
    if not table.is_file():
        return f"{_gigabytes(usable())} may be used"
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in table.read_text().splitlines()}
    free, total = kilobytes["MemAvailable"] * 1024, kilobytes["MemTotal"] * 1024
    return f"{_gigabytes(free)} free of {_gigabytes(total)}, {_gigabytes(usable())} may be used"


def _disk() -> str:
    here, temporary = (_gigabytes(shutil.disk_usage(place).free) for place in (".", tempfile.gettempdir()))
    return f"{here} free in this folder, {temporary} for temporary files"


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def _self_test() -> tuple[str, bool]:
    """Segment one synthetic image with a bundle of the package; what came of it, and whether it is right."""
    from cellseg_monai.outputs.causes import in_one_line

    try:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            found, true = _segment(Path(folder))
        seconds = time.monotonic() - start
    except Exception as error:  # noqa: BLE001 - whatever fails is what the user asks for
        return f"failed: {_private(in_one_line(error))}\n\n{_private(traceback.format_exc())}", False
    works = abs(found - true) <= true // 4
    verdict = "works" if works else "wrong: reinstall the package, its weights may be damaged"
    return f"{verdict}; {MODEL} found {found} of {true} nuclei in {seconds:.1f} s", works


def _segment(folder: Path) -> tuple[int, int]:
    """Numbers of nuclei that the bundle finds in a synthetic image, and that are there."""
    from cellseg_monai.data import read_label_map, write_synthetic_dataset
    from cellseg_monai.jobs import predict
    from cellseg_monai.outputs.counts import number_of_cells

    data = write_synthetic_dataset("nuclei", folder / "data", count=1, size=(256, 256)).parent
    labels = predict(MODEL, [data / "images"], folder / "out")
    truth = next((data / "labels").iterdir())
    return number_of_cells(read_label_map(labels[0])), number_of_cells(read_label_map(truth))


def _private(text: str) -> str:
    """Text without the home of the user."""
    return text.replace(str(Path.home()), "~")


DOCTOR = Verb("doctor", "show what is installed, missing, and whether it works", doctor, json=True)
