"""Workers of a Dask cluster: processes of this machine, the workers of a scheduler, or jobs of SLURM."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_KINDS = "local, local:4 for 4 processes, slurm:4 for 4 jobs, or the address of a scheduler, tcp://host:8786"
_THREADS = "export OMP_NUM_THREADS=${OMP_NUM_THREADS:-${SLURM_CPUS_PER_TASK:-1}}"
"""First line of a job; Dask would use one thread."""

_NO_LIMITS = {  # a worker whose network fills it would pause for ever; the limit that ends it stays
    f"distributed.worker.memory.{limit}": False for limit in ("target", "spill", "pause")
}


@contextmanager
def connected(cluster: str, repeats: int = 0) -> Iterator[Any]:
    """Yield a Dask client whose workers are those of a cluster; a cluster that is started here ends with it.

    Args:
        cluster: ``"local"`` or ``"local:N"`` for processes of this machine, by default one a GPU or core;
            ``"slurm:N"`` for jobs of SLURM, as Dask's own ``jobqueue.yaml`` describes them; or the address of
            a scheduler.
        repeats: number of times that a cluster which is started here repeats a task whose worker died; none
            for :func:`~cellseg_monai.runtime.spreading.spread`, which does that itself, and counts.

    Raises:
        ValueError: this is not a cluster.
        ConnectionError: no scheduler answers at the address.
        RuntimeError: Dask is not installed.

    Example:
        >>> with connected("lcoal"):
        ...     pass
        Traceback (most recent call last):
        ...
        ValueError: cluster='lcoal' must be local, local:4 for 4 processes, slurm:4 for 4 jobs, or ...
    """
    kind, _, count = cluster.partition(":")
    own = {"local": _local, "slurm": _slurm}.get(kind)
    if (own is None and not count) or (own is not None and count and not (count.isdecimal() and int(count))):
        raise ValueError(f"cluster={cluster!r} must be {_KINDS}")
    try:
        from dask.distributed import Client
    except ImportError as error:
        raise RuntimeError("clusters need Dask: pip install 'cellseg-monai[distributed]'") from error
    if own is not None:
        with own(int(count or 0), {"allowed_failures": repeats}) as started, Client(started) as client:
            yield client
        return
    try:
        client = Client(cluster)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"{cluster}: no Dask scheduler answers; start one with `dask scheduler`, or correct the address"
        ) from error
    with client:
        yield client


@contextmanager
def _local(count: int, scheduler: dict[str, Any]) -> Iterator[Any]:
    """Processes of this machine that share its cores, its memory and its GPUs."""
    import dask
    import torch
    from dask.distributed import LocalCluster
    from dask.system import CPU_COUNT

    count = count or torch.cuda.device_count() or CPU_COUNT
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, CPU_COUNT // count))
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1h"}),  # a busy machine starts one slowly
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs=scheduler,
            env={"OMP_NUM_THREADS": threads},
            config=_NO_LIMITS,
        ) as cluster,
    ):
        yield cluster


def _slurm(count: int, scheduler: dict[str, Any]) -> Any:
    """Jobs of SLURM; one that reaches its time limit is replaced."""
    import dask

    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise RuntimeError(
            "jobs of SLURM need dask-jobqueue: pip install 'cellseg-monai[distributed]'"
        ) from error
    own = dask.config.get("jobqueue.slurm")
    cluster = SLURMCluster(
        scheduler_options={**(own.get("scheduler-options") or {}), **scheduler},
        job_script_prologue=[_THREADS, *(own.get("job-script-prologue") or ())],
    )
    cluster.adapt(minimum_jobs=count or 1, maximum_jobs=count or 1)
    return cluster
