"""Several runs: one after the other, in parallel, or on the machines of a Dask cluster."""

import logging
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from pathlib import Path

import torch
from tqdm import tqdm

from cellseg_monai.runtime.cluster import connected
from cellseg_monai.runtime.watching import end_with_parent
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.run_steps import done, perform

logger = logging.getLogger(__name__)


def perform_all(runs: Sequence[Run], out: Path, jobs: int = 1, cluster: str | None = None) -> None:
    """Perform the unfinished runs, each in ``<out>/runs/<its name>`` and in a process of its own.

    A run that fails does not stop the others.

    Args:
        runs: runs with different names.
        out: folder of the study; all machines of a cluster must see it under the same path.
        jobs: number of runs at the same time; they share the cores of the machine.
        cluster: Dask cluster whose workers take the runs, as in
            :func:`~cellseg_monai.runtime.cluster.connected`.

    Raises:
        ValueError: If names are repeated, or a folder holds a run with the same name but other settings. No
            run starts then.
        RuntimeError: If runs failed; raised after all others are finished.

    Example:
        >>> perform_all([], Path("unused"))
    """
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        raise ValueError(f"runs must have different names, not {sorted(names)}")
    waiting = [run for run in runs if not done(run, folder_of(run, out))]
    if not waiting:
        return
    failures: dict[str, Exception] = {}
    with _executor(jobs, cluster) as executor:
        futures = {executor.submit(perform, run, folder_of(run, out)): run.name for run in waiting}
        finished = len(runs) - len(waiting)
        for future in tqdm(as_completed(futures), "runs", len(runs), initial=finished, unit="run"):
            error = future.exception()
            if isinstance(error, Exception):
                failures[futures[future]] = error
                logger.error("run %s failed: %s", futures[future], error)
    if failures:
        errors = "; ".join(f"{name}: {error}" for name, error in failures.items())
        raise RuntimeError(
            f"{len(failures)} of {len(waiting)} runs failed; run the same command again to continue. {errors}"
        )


def folder_of(run: Run, out: Path) -> Path:
    """Return the folder of a run.

    Args:
        run: run of a study.
        out: folder of the study.

    Example:
        >>> folder_of(Run("fold_1", Path("bundle"), [], {}), Path("study")).name
        'fold_1'
    """
    return (out / "runs" / run.name).resolve()


@contextmanager
def _executor(jobs: int, cluster: str | None) -> Iterator[Executor]:
    """Yield processes of this machine, or the workers of a cluster."""
    if cluster is not None:
        with connected(cluster, repeats=2) as client:
            yield client.get_executor()
        return
    if jobs < 1:
        raise ValueError(f"jobs={jobs} must be at least 1")
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # spawned, because the threads that torch has started in this process do not survive a fork
    before = active_children()
    executor = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (threads,))
    try:
        yield executor
    except (KeyboardInterrupt, SystemExit):  # which do not reach the processes by themselves
        for process in active_children():
            if process not in before:
                process.terminate()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def _begin(count: int) -> None:
    """End with the study, and limit the threads of this process and of its trainings.

    A number of threads that the user has set stays.
    """
    end_with_parent()
    if "OMP_NUM_THREADS" not in os.environ:
        os.environ["OMP_NUM_THREADS"] = str(count)
        torch.set_num_threads(count)
