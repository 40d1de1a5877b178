"""Trainings whose processes need not import MONAI."""

from collections.abc import Iterator

import pytest

from tests.forked.commands import as_executable


@pytest.fixture(scope="package", autouse=True)
def _forked() -> Iterator[None]:
    """Fork the training that ``cellseg train`` starts."""
    with as_executable():
        yield
