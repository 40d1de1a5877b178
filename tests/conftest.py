import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.forked.server import read_at_start

# A busy machine is no failure. At home each run tries new inputs; in continuous integration always the same
# ones, so that a red build is the fault of the change.
settings.register_profile("home", deadline=None)
settings.register_profile("integration", deadline=None, derandomize=True)
settings.load_profile("integration" if os.environ.get("CI") else "home")

# So that no result depends on whether the processor has instructions for bfloat16; every process that a test
# starts inherits it. Tests of half precision ask for it.
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE"

# A failed assertion of what several test modules share shows its values too.
pytest.register_assert_rewrite("tests.networks.contract", "tests.bundles.reduced", "tests.integration.served")

REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests that need a GPU where there is none."""
    needing = [item for item in items if item.get_closest_marker("gpu")]
    if not needing:
        return
    import torch

    if not torch.cuda.is_available():
        for item in needing:
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


@pytest.fixture(autouse=True)
def _start_of_processes() -> Iterator[None]:
    """Take back variables that dask sets for its workers, with which no process of a later test is forked."""
    before = read_at_start(os.environ)
    yield
    for name in read_at_start(os.environ).keys() - before.keys():
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def real_images() -> Path:
    """The small real images of the repository; their README names source and licence."""
    return REPOSITORY / "tests/data/real"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of whole real datasets, which is not part of the repository."""
    folder = Path(os.environ.get("CELLSEG_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real datasets at {folder}; set CELLSEG_DATA to a folder that has them")
    return folder
