"""A training that was killed goes on as if it had not been."""

import logging
from collections.abc import Mapping
from contextlib import ExitStack
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
from cellseg_monai.training.plain import Plain, as_plain
from cellseg_monai.training.stateful import kind_of, load_state, state_of
from cellseg_monai.training.tensor_file import read_tensors, write_tensors

logger = logging.getLogger(__name__)

FORMAT = 1
"""Of the file; a file of another format is refused."""


class ResumeHandler:
    """Save the whole state of a training after an epoch, and go on from it when the command is run again.

    Stopped at any moment, even by ``kill -9`` or a power cut, the training ends with the weights that it
    would have had: bit for bit on a CPU with the same number of threads; on a GPU as exactly as its
    operations repeat themselves, see ``torch.use_deterministic_algorithms``. It starts from the last epoch
    that was saved, and repeats what came after. This is exact because the order of the data, their
    augmentation, dropout and all else that is random is a function of (seed, epoch): at the start of each
    the handler seeds Python, numpy, torch, and the transforms and samplers of the loaders. A sampler or data
    set that draws from elsewhere than torch generators and MONAI's ``Randomizable`` is not repeated.

    MONAI's ``CheckpointSaver`` and ``CheckpointLoader`` restore neither the random state, nor the scaler of
    mixed precision, nor the best metric, nor the patience used up; and a file cut short by a crash stays.

    The saved learning rate wins over that of the command line. A run that is complete, or that was stopped
    early, ends at once when it is run again; to train anew, delete the file. Place the handler after a
    ``CheckpointLoader`` and a ``MeanTeacher``, so that what it restores has the last word.

    While the training runs, no other process can train into the folder of the state or of the weights.

    Args:
        path: of the state, outside of the ``models`` folder, which is what gets published.
        state: what to keep, by name: network, optimizer, learning-rate scheduler, a teacher, ``BestWeights``,
            the validation's evaluator (for its best metric), MONAI's ``EarlyStopHandler``; all that has
            ``state_dict()``. The trainer, and its scaler, need no mention.
        seed: from which all randomness is derived.
        interval: number of epochs between two saves; the last epoch is always saved.
        resume: False begins anew whatever an earlier run has left, and replaces it.

    Raises:
        ValueError: the path lies in ``models``, the interval is below 1, or there is no network in the state.
        TypeError: something in the state has no ``state_dict()``.

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
        >>> train(epochs=2) == train(epochs=2)  # the second call finds nothing left to do
        True
    """

    def __init__(
        self,
        path: str | PathLike[str],
        state: Mapping[str, Any],
        seed: int = 0,
        interval: int = 1,
        resume: bool = True,
    ) -> None:
        self.path = Path(path)
        if self.path.resolve().parent.name == "models":
            raise ValueError(
                f"{self.path}: the models folder is what gets published; keep the state elsewhere"
            )
        if interval < 1:
            raise ValueError(f"interval is a number of epochs, at least 1, not {interval}")
        if not any(isinstance(item, torch.nn.Module) for item in state.values()):
            raise ValueError(f"state has no network, only {sorted(state)}; add network=…")
        for name, item in state.items():
            if not isinstance(item, (Engine, EarlyStopHandler)) and not hasattr(item, "load_state_dict"):
                raise TypeError(f"state {name!r} is a {type(item).__qualname__}, which has no state_dict()")
        self.state = dict(state)
        self.seed = seed
        self.interval = interval
        self.resume = resume
        self._settings: dict[str, Any] = {}
        self._locks = ExitStack()

    def attach(self, engine: Engine) -> None:
        """Register with a trainer of MONAI."""
        for loader in self._loaders(engine):
            require_repeatable(loader)
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        engine.add_event_handler(Events.COMPLETED, self._locks.close)

    def start(self, engine: Any) -> None:
        """Restore what an earlier run saved; if there was none, save the start."""
        if engine.state.rank == 0:
            weights = [item.path for item in self.state.values() if isinstance(item, BestWeights)]
            for folder in sorted({path.parent for path in (self.path, *weights)}):
                self._locks.enter_context(locked(folder))
        self._settings = self._settings_of(engine)
        if self.resume and self.path.exists():
            self._restore(engine)
        else:
            self._save(engine)  # the network may have been built with weights that no second run will get
        if not engine.has_event_handler(self.finish_epoch):
            # Only now, so that it comes after validation, learning rate and early stop, which are part of it.
            engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish_epoch)

    def start_epoch(self, engine: Any) -> None:
        """Seed everything, and begin a pass through the data that depends on nothing before."""
        loaders = self._loaders(engine)
        seed_everything(derive_seed(self.seed, engine.state.epoch, engine.state.rank), loaders)
        engine.set_data(engine.data_loader)

    def finish_epoch(self, engine: Any) -> None:
        """Save, if it is this epoch's turn."""
        epoch = engine.state.epoch
        last = epoch == engine.state.max_epochs or engine.should_terminate
        if last or epoch % self.interval == 0:
            self._save(engine)

    def _save(self, engine: Any) -> None:
        if engine.state.rank == 0:
            write_tensors(self._content(engine), self.path)

    def _loaders(self, engine: Any) -> list[object]:
        evaluators = [item for item in self.state.values() if isinstance(item, Engine)]
        return [one.data_loader for one in (engine, *evaluators)]

    def _settings_of(self, engine: Any) -> dict[str, Any]:
        """What else an epoch depends on, and what a resumed run must therefore share."""
        ranks = torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
        return {
            "seed": self.seed,
            "iterations an epoch": engine.state.epoch_length,
            "num_workers": getattr(engine.data_loader, "num_workers", 0),
            "batch_size": getattr(engine.data_loader, "batch_size", None),
            "amp": engine.amp,
            "processes": ranks,
        }

    def _content(self, engine: Any) -> Plain:
        return {
            "format": FORMAT,
            "settings": self._settings,
            "kinds": {name: kind_of(item) for name, item in self.state.items()},
            "items": {name: as_plain(state_of(item), name) for name, item in self.state.items()},
            "scaler": None if engine.scaler is None else as_plain(engine.scaler.state_dict(), "scaler"),
            "trainer": as_plain(state_of(engine), "trainer"),
            "epoch": engine.state.epoch,
            "iteration": engine.state.iteration,
            "stopped": bool(engine.should_terminate),
        }

    def _restore(self, engine: Any) -> None:
        content = read_tensors(self.path)
        self._require_same_training(content)
        for name, item in self.state.items():
            try:
                load_state(item, content["items"][name])
            except (KeyError, RuntimeError, TypeError, ValueError) as error:
                raise ValueError(
                    f"{self.path}: {name} does not take its state: {error}; {_REMEDY}"
                ) from error
        if engine.scaler is not None:
            engine.scaler.load_state_dict(content["scaler"])
        load_state(engine, content["trainer"])
        engine.state.epoch, engine.state.iteration = content["epoch"], content["iteration"]
        logger.info("%s: resumed after epoch %d", self.path, content["epoch"])
        if content["stopped"]:
            logger.info("%s: this run was stopped early; %s", self.path, _REMEDY)
            engine.terminate()

    def _require_same_training(self, content: Plain) -> None:
        """Find every difference before anything is loaded."""
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"{self.path}: is no state of format {FORMAT} of a training; {_REMEDY}")
        kinds = {name: kind_of(item) for name, item in self.state.items()}
        _require_equal(self.path, content["kinds"], kinds)
        _require_equal(self.path, content["settings"], self._settings)
        for name, item in self.state.items():
            if isinstance(item, torch.nn.Module):
                faults = mismatches(item.state_dict(), content["items"][name])
                if faults:
                    raise ValueError(
                        f"{self.path}: was saved with another {name}: {summary(faults)}; {_REMEDY}"
                    )


_REMEDY = "to train anew, delete the file or give another path"


def _require_equal(path: Path, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in sorted(saved.keys() | now.keys()):
        if saved.get(name) != now.get(name):
            raise ValueError(
                f"{path}: was saved with {name} {saved.get(name)}, this training has {now.get(name)}; "
                f"{_REMEDY}"
            )
