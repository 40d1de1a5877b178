"""Several runs, one after the other, at once, or on the machines of a Dask cluster; the same call for all."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from cellseg_monai.studies.run import Run, done, perform

logger = logging.getLogger(__name__)


def perform_all(runs: Sequence[Run], out: Path, jobs: int = 1, cluster: str | None = None) -> None:
    """Perform the runs that are not done yet, each in ``<out>/runs/<its name>``.

    Each has a process of its own. One that fails does not stop the others.

    Args:
        runs: of different names.
        out: folder of the study; of a cluster, one that all its machines see.
        jobs: at once; the cores of the machine are shared out among them.
        cluster: address of a Dask scheduler, such as ``tcp://host:8786``; its workers take the runs.

    Raises:
        ValueError: a folder holds a run of the same name with other settings; nothing is run then.
        RuntimeError: runs failed; told when all the others are done.

    Example:
        >>> perform_all([], Path("unused"))
    """
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"runs need different names, not {sorted(names)}")
    folders = {run.name: folder_of(run, out) for run in runs}
    waiting = [run for run in runs if not done(run, folders[run.name])]
    if not waiting:
        return
    failures: dict[str, Exception] = {}
    with _executor(jobs, cluster) as executor:
        futures = {executor.submit(perform, run, folders[run.name]): run.name for run in waiting}
        progress = tqdm(
            as_completed(futures), "runs", len(runs), initial=len(runs) - len(waiting), unit="run"
        )
        for future in progress:
            error = future.exception()
            if isinstance(error, Exception):
                failures[futures[future]] = error
                logger.error("run %s failed: %s", futures[future], error)
    if failures:
        told = "; ".join(f"{name}: {error}" for name, error in failures.items())
        raise RuntimeError(f"{len(failures)} of {len(waiting)} runs failed; the same command goes on. {told}")


def folder_of(run: Run, out: Path) -> Path:
    """Where a run of a study leaves its files.

    Example:
        >>> folder_of(Run("fold_1", Path("bundle"), [], {}), Path("study")).name
        'fold_1'
    """
    return (out / "runs" / run.name).resolve()


@contextmanager
def _executor(jobs: int, cluster: str | None) -> Iterator[Executor]:
    """Processes of this machine, or the workers of a cluster."""
    if cluster is not None:
        from dask.distributed import Client

        with Client(cluster) as client:
            yield client.get_executor()
        return
    if jobs < 1:
        raise ValueError(f"jobs={jobs} must be at least 1")
    with _threads(max(1, (os.cpu_count() or 1) // jobs)):
        # spawned: what torch has started in this process does not survive a fork
        executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
        try:
            yield executor
        finally:
            executor.shutdown(cancel_futures=True)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Processes that are started within, and theirs, compute with so many threads each."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", str(count))
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("OMP_NUM_THREADS")
