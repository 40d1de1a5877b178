"""The verbs: each takes files, does one job by the stages, and writes files.

Each is one function, and each loads when it is first used, since none needs the libraries of the others.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellseg_monai.jobs.calibration import Calibration, calibrate
    from cellseg_monai.jobs.conversion import FORMATS, Conversion, convert
    from cellseg_monai.jobs.evaluation import Evaluation, evaluate
    from cellseg_monai.jobs.measurement import Measurement, measure
    from cellseg_monai.jobs.patch_sheet import preview
    from cellseg_monai.jobs.prediction import predict
    from cellseg_monai.jobs.reporting.report import report
    from cellseg_monai.jobs.scores.columns import DEFAULT_METRICS, class_metrics
    from cellseg_monai.jobs.tracking import TrackedMovie, track

__all__ = [
    "DEFAULT_METRICS",
    "FORMATS",
    "Calibration",
    "Conversion",
    "Evaluation",
    "Measurement",
    "TrackedMovie",
    "calibrate",
    "class_metrics",
    "convert",
    "evaluate",
    "measure",
    "predict",
    "preview",
    "report",
    "track",
]

_HOME = {
    "calibration": ("Calibration", "calibrate"),
    "conversion": ("Conversion", "FORMATS", "convert"),
    "evaluation": ("Evaluation", "evaluate"),
    "measurement": ("Measurement", "measure"),
    "patch_sheet": ("preview",),
    "prediction": ("predict",),
    "reporting.report": ("report",),
    "scores.columns": ("DEFAULT_METRICS", "class_metrics"),
    "tracking": ("TrackedMovie", "track"),
}
_MODULES = {name: module for module, names in _HOME.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a verb when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
