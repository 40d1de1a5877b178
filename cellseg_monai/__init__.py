"""Cell segmentation from few annotated images, as MONAI bundles.

Data flows down one folder per stage, and the stages do not know each other: ``data`` (files to items),
``transforms`` (file to tensor), and so on. A bundle's configuration joins them. The verbs join them too:

Example:
    >>> import cellseg_monai as cs
    >>> [verb for verb in ("predict", "evaluate", "measure") if callable(getattr(cs, verb))]
    ['predict', 'evaluate', 'measure']
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cellseg_monai.jobs import calibrate, convert, evaluate, measure, predict, preview, report, track

__all__ = ["calibrate", "convert", "evaluate", "measure", "predict", "preview", "report", "track"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Load the verbs when one is first used: a bundle imports stages alone."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cellseg_monai import jobs

    return getattr(jobs, name)
