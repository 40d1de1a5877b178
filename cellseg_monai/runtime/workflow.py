"""The workflow of a bundle's inference, ready to run."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from monai.bundle import ConfigWorkflow

from cellseg_monai.outputs.causes import cause_of


def inference_workflow(files: Sequence[str], values: Mapping[str, Any]) -> ConfigWorkflow:
    """Build the workflow of an inference, and do what its configuration states under ``initialize``.

    Args:
        files: configuration files; each is laid over those before it.
        values: values laid over them.
    """
    with _quiet(logging.getLogger(ConfigWorkflow.__module__)):
        workflow = ConfigWorkflow(list(files), logging_file=False, **values)
    workflow.initialize()
    return workflow


def run_inference(workflow: ConfigWorkflow) -> None:
    """Run a workflow; an error is the original one, not MONAI's "Failed to evaluate" around it."""
    try:
        workflow.run()
    except RuntimeError as error:
        raise cause_of(error) from None


@contextmanager
def _quiet(of: logging.Logger) -> Iterator[None]:
    """Leave out MONAI's warning that it configures no logging: logging is up to the caller."""

    def is_error(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR

    of.addFilter(is_error)
    try:
        yield
    finally:
        of.removeFilter(is_error)
