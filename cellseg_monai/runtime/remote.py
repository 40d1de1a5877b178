"""Inference of a bundle on the workers of a cluster: each builds it once, and keeps it for all its images."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import Any, NamedTuple
from uuid import uuid4

import torch

from cellseg_monai.inference.one_image import OneImage, Outcome, Outcomes, Perform, attempt
from cellseg_monai.runtime.cluster import connected
from cellseg_monai.runtime.spreading import Killed, spread
from cellseg_monai.runtime.workflow import inference_workflow

_lock = Lock()
_ready: dict[str, Any] = {}
"""Inference of this worker by the run that it is for."""


class Instructions(NamedTuple):
    """What a worker needs to build the inference of a bundle.

    Attributes:
        files: configuration files.
        values: values laid over them.
        origin: bundle, weights and version that the worker must have as well.
        run: name of the run, for which the inference is kept.

    Example:
        >>> Instructions([], {"device": "cpu"}, {}, "1").values
        {'device': 'cpu'}
    """

    files: Sequence[str]
    values: Mapping[str, Any]
    origin: Mapping[str, str]
    run: str


def on_cluster(cluster: str, files: Sequence[str], values: Mapping[str, Any], origin: Any) -> Perform:
    """A way to work through images by the workers of a cluster.

    Args:
        cluster: cluster as in :func:`~cellseg_monai.runtime.cluster.connected`.
        files: configuration files of the inference.
        values: values laid over them, without the images; paths are absolute.
        origin: bundle and weights; None if they are not known.
    """
    known = {} if origin is None else origin.in_metadata()
    instructions = Instructions([os.path.abspath(file) for file in files], values, known, uuid4().hex)

    def perform(images: Sequence[OneImage], begin: Callable[[OneImage], None]) -> Outcomes:
        if not images:
            return
        with connected(cluster) as client:
            work = partial(segment_there, instructions)
            sources = [image.source for image in images]
            for number, answer in spread(client, work, sources, lambda number: begin(images[number])):
                killed = isinstance(answer, Killed)
                yield images[number], Outcome(None, str(answer)) if killed else answer

    return perform


def segment_there(instructions: Instructions, source: Any) -> Outcome:
    """Segment an image on this worker.

    Args:
        instructions: inference to build, unless this worker has it.
        source: file of the image, or files of its channels.

    Raises:
        RuntimeError: the worker has another version of the package, or other weights.
    """
    with _lock:  # the threads of a worker share the network
        if instructions.run not in _ready:
            _ready.clear()
            _ready[instructions.run] = _built(instructions)
        outcome = attempt(source, partial(_ready[instructions.run].segment_image, source))
    return outcome._replace(worker=f"{_name()}, {outcome.worker}")


def _built(instructions: Instructions) -> Any:
    workflow = inference_workflow(instructions.files, {**_device(), **instructions.values})
    images = workflow.parser.get_parsed_content("images")
    own = {} if images.origin is None else images.origin.in_metadata()
    if own != instructions.origin:
        raise RuntimeError(
            f"worker {_name()} would segment with {own}, but this process with {dict(instructions.origin)}; "
            "install the same version, and give all machines the same weights"
        )
    return images


def _device() -> dict[str, str]:
    """A GPU for each worker of this machine; workers elsewhere see only their own."""
    count, name = torch.cuda.device_count(), _name()
    return {"device": f"$torch.device('cuda:{int(name) % count}')"} if count > 1 and name.isdecimal() else {}


def _name() -> str:
    from dask.distributed import get_worker

    return str(get_worker().name)
