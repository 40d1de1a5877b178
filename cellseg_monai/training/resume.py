"""Continue an interrupted training as if it had not been interrupted."""

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from ignite.engine import Engine, Events
from monai.handlers import EarlyStopHandler

from cellseg_monai.outputs import locked
from cellseg_monai.training.best_weights import BestWeights
from cellseg_monai.training.epoch_seed import derive_seed, require_repeatable, seed_everything
from cellseg_monai.training.mismatches import mismatches, summary
from cellseg_monai.training.stateful import kind_of, stateful
from cellseg_monai.training.tensor_file import Plain, as_plain, read_tensors, write_tensors

logger = logging.getLogger(__name__)

FORMAT = 1
"""Format of the file; files with another format are rejected."""

_REMEDY = "to start a new training, delete the file or set another path"


@dataclass(eq=False)
class ResumeHandler:
    """Save the whole state of a training after an epoch, and resume from it when the command is run again.

    A training that was stopped at any moment, even by ``kill -9`` or a power cut, ends with the same weights
    as without the stop: bit for bit on a CPU with the same number of threads; on a GPU as exactly as its
    operations are reproducible, see ``torch.use_deterministic_algorithms``. It starts from the last saved
    epoch and repeats what came after. This is exact because the order of the data, their augmentation,
    dropout and everything else that is random depends only on (seed, epoch): at the start of each epoch, the
    handler seeds Python, NumPy, torch, and the transforms and samplers of the loaders. A sampler or data set
    that uses other random numbers than torch generators and MONAI's ``Randomizable`` is not reproduced.

    MONAI's ``CheckpointSaver`` and ``CheckpointLoader`` restore neither the random state, nor the scaler of
    mixed precision, nor the best metric, nor the patience that is used up; and a crash can leave half a file.

    The saved learning rate takes precedence over that of the command line. If a run is complete or was
    stopped early, running it again ends immediately; to start a new training, delete the file. Put the
    handler after a ``CheckpointLoader`` and a ``MeanTeacher``, so that its restored state is final.

    During the training, no other process can train into the folder of the state or of the weights.

    Args:
        path: file of the state, outside the ``models`` folder, which is published.
        state: parts to save, by name: network, optimizer, learning-rate scheduler, a teacher,
            ``BestWeights``, the evaluator of the validation (for its best metric), MONAI's
            ``EarlyStopHandler``; everything with ``state_dict()``. The trainer and its scaler are always
            saved.
        seed: seed from which all randomness is derived.
        interval: number of epochs between two saves; the last epoch is always saved.
        seconds: shortest time between two saves, for epochs that take no longer than a save; an epoch after
            which the network was validated is saved at once.
        resume: False to start a new training and replace the state of an earlier run.

    Raises:
        ValueError: the path is in ``models``, the interval is below 1, or the state has no network.
        TypeError: a part of the state has no ``state_dict()``.

    Example:
        >>> import tempfile
        >>> from monai.engines import SupervisedTrainer
        >>> path = f"{tempfile.mkdtemp()}/state.pt"
        >>> def train(epochs):
        ...     network = torch.nn.Conv2d(1, 1, 1)
        ...     optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        ...     data = [{"image": torch.ones(2, 1, 4, 4), "label": torch.zeros(2, 1, 4, 4)}]
        ...     resume = ResumeHandler(path, {"network": network, "optimizer": optimizer})
        ...     trainer = SupervisedTrainer(
        ...         "cpu", epochs, data, network, optimizer, torch.nn.MSELoss(), train_handlers=[resume]
        ...     )
        ...     trainer.run()
        ...     return network.bias.item()
        >>> train(epochs=2) == train(epochs=2)  # the second call has nothing left to do
        True
    """

    path: str | PathLike[str]
    state: Mapping[str, Any]
    _: KW_ONLY
    seed: int = 0
    interval: int = 1
    seconds: float = 0.0
    resume: bool = True

    def __post_init__(self) -> None:
        self.path = file = Path(self.path)
        if file.resolve().parent.name == "models":
            raise ValueError(f"{file}: the models folder is published; save the state in another folder")
        if self.interval < 1:
            raise ValueError(f"interval must be at least 1 epoch, not {self.interval}")
        if not any(isinstance(item, torch.nn.Module) for item in self.state.values()):
            raise ValueError(f"state has no network, only {sorted(self.state)}; add network=…")
        for name, item in self.state.items():
            if not isinstance(item, (Engine, EarlyStopHandler)) and not hasattr(item, "load_state_dict"):
                raise TypeError(f"state {name!r} is a {type(item).__qualname__}, which has no state_dict()")
        self._file = file
        self._kinds = {name: kind_of(item) for name, item in self.state.items()}
        self._settings: dict[str, Any] = {}
        self._saved = 0.0
        self._locks = ExitStack()

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer."""
        for loader in self._loaders(engine):
            require_repeatable(loader)
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        engine.add_event_handler(Events.COMPLETED, self._locks.close)

    def start(self, engine: Any) -> None:
        """Restore the state of an earlier run; if there is none, save the initial state."""
        if engine.state.rank == 0:
            weights = [item.path for item in self.state.values() if isinstance(item, BestWeights)]
            for folder in sorted({path.parent for path in (self._file, *weights)}):
                self._locks.enter_context(locked(folder))
        self._settings = self._settings_of(engine)
        if self.resume and self._file.exists():
            self._restore(engine)
        else:
            self._save(engine)  # a second run might build the network with other initial weights
        if not engine.has_event_handler(self.finish_epoch):
            # registered now, so that it runs after validation, learning rate and early stop, which it saves
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish_epoch)

    def start_epoch(self, engine: Any) -> None:
        """Seed everything, and start a pass through the data that is independent of earlier passes."""
        seed = derive_seed(self.seed, engine.state.epoch, engine.state.rank)
        seed_everything(seed, self._loaders(engine))
        engine.set_data(engine.data_loader)

    def finish_epoch(self, engine: Any) -> None:
        """Save the state if this epoch is due."""
        epoch = engine.state.epoch
        last = epoch == engine.state.max_epochs or engine.should_terminate
        validated = any(
            isinstance(item, Engine) and item.state.epoch == epoch for item in self.state.values()
        )
        due = validated or time.monotonic() - self._saved >= self.seconds
        if last or (due and epoch % self.interval == 0):
            self._save(engine)

    def _loaders(self, engine: Any) -> list[object]:
        evaluators = [item for item in self.state.values() if isinstance(item, Engine)]
        return [one.data_loader for one in (engine, *evaluators)]

    def _settings_of(self, engine: Any) -> dict[str, Any]:
        """Return everything else that an epoch depends on, which a resumed run must have in common."""
        ranks = torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
        return {
            "seed": self.seed,
            "iterations an epoch": engine.state.epoch_length,
            "num_workers": getattr(engine.data_loader, "num_workers", 0),
            "batch_size": getattr(engine.data_loader, "batch_size", None),
            "amp": engine.amp,
            "processes": ranks,
        }

    def _save(self, engine: Any) -> None:
        if engine.state.rank != 0:
            return
        scaler = None if engine.scaler is None else engine.scaler.state_dict()
        content = {
            "format": FORMAT,
            "settings": self._settings,
            "kinds": self._kinds,
            "items": {name: as_plain(stateful(item).state_dict(), name) for name, item in self.state.items()},
            "scaler": as_plain(scaler, "scaler"),
            "trainer": as_plain(stateful(engine).state_dict(), "trainer"),
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "stopped": bool(engine.should_terminate),
        }
        write_tensors(content, self._file)
        self._saved = time.monotonic()

    def _restore(self, engine: Any) -> None:
        content = read_tensors(self._file)
        self._require_same_training(content)
        for name, item in self.state.items():
            try:
                stateful(item).load_state_dict(content["items"][name])
            except (KeyError, RuntimeError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{self._file}: {name} rejects its saved state: {error}; {_REMEDY}"
                ) from error
        if engine.scaler is not None:
            engine.scaler.load_state_dict(content["scaler"])
        stateful(engine).load_state_dict(content["trainer"])
        engine.state.epoch, engine.state.iteration = content["epoch"], content["iteration"]
        logger.info("%s: resumed after epoch %d", self._file, content["epoch"])
        if content["stopped"]:
            logger.info("%s: this run was stopped early; %s", self._file, _REMEDY)
            engine.terminate()

    def _require_same_training(self, content: Plain) -> None:
        """Raise before anything is loaded if the file is from another training."""
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"{self._file}: not a training state of format {FORMAT}; {_REMEDY}")
        for saved, now in ((content["kinds"], self._kinds), (content["settings"], self._settings)):
            for name in sorted(saved.keys() | now.keys()):
                if saved.get(name) != now.get(name):
                    raise ValueError(
                        f"{self._file}: saved with {name} {saved.get(name)}, but this training has "
                        f"{now.get(name)}; {_REMEDY}"
                    )
        for name, item in self.state.items():
            if isinstance(item, torch.nn.Module):
                faults = mismatches(item.state_dict(), content["items"][name])
                if faults:
                    raise ValueError(f"{self._file}: saved with another {name}: {summary(faults)}; {_REMEDY}")
