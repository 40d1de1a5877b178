"""The folder of a training: a bundle, the record of what has been done, and the weights on the way."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.lock import HIDDEN
from cellseg_monai.planning.bundle import describe_network, write_bundle
from cellseg_monai.planning.candidates import Candidate, Judge
from cellseg_monai.planning.preparation import Preparation
from cellseg_monai.planning.starts import at_scale
from cellseg_monai.runtime import keep_settings
from cellseg_monai.runtime.settings import WEIGHTS, kept_settings, pass_on_settings, settings_beside

_PLAN = "plan.json"


class Folder:
    """Folder of one training; opening it again continues the training.

    Attributes:
        path: folder of the bundle.
        record: content of ``plan.json``.

    Args:
        path: folder of the bundle.
        given: what makes it this training: images and options.

    Raises:
        ValueError: the folder holds another training, or other files.
    """

    def __init__(self, path: Path, given: Mapping[str, Any]) -> None:
        self.path = path
        self._work = path / "training"
        if not (path / _PLAN).is_file() and any(file.name != HIDDEN for file in path.glob("*")):
            raise ValueError(f"{path}: the folder is not empty; choose a new one for the bundle")
        plain = json.loads(json.dumps(given, default=str))
        file = path / _PLAN
        self.record: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        if "plan" not in self.record:  # also if it was interrupted before
            self.record = {"given": plain, "candidates": []}
        for name, value in plain.items():
            if self.record["given"][name] != value:
                raise ValueError(f"{file}: this training has other values of {name}; choose another folder")

    @property
    def log(self) -> Path:
        """Log of the training."""
        return self._work / "training.log"

    @property
    def start(self) -> Path:
        """Weights that the training starts from; the file exists only if they are not random."""
        return self._work / "start/model.pt"

    @property
    def trained(self) -> Path:
        """Trained weights."""
        return self._work / "trained/model.pt"

    @property
    def mean(self) -> Path:
        """Mean of both."""
        return self._work / "mean/model.pt"

    @property
    def judge(self) -> Judge:
        """Validation images."""
        return Judge(self.path, self._work / "validation.json", self.record["masks"], self.record["classes"])

    @property
    def candidates(self) -> dict[str, Candidate]:
        """Candidates with their scores, by name."""
        found = (Candidate.from_record(each) for each in self.record["candidates"])
        return {each.name: each for each in found}

    def judged(self, name: str, weights: Path) -> None:
        """Score weights on the validation images, if they are not scored yet."""
        if name not in self.candidates:
            self.record["candidates"].append(self.judge.score(name, weights)._asdict())
            self.note()

    def note(self, **more: Any) -> None:
        """Add to the record and write it."""
        self.record |= more
        write_text(self.path / _PLAN, json.dumps(self.record, indent=1, default=str, ensure_ascii=False))

    def begin(self, found: Preparation, minutes: float) -> None:
        """Write the bundle, the lists of images, and the weights of the start.

        Args:
            found: planned training.
            minutes: duration of the training.
        """
        self.note()
        facts = found.facts
        settings = found.plan.settings if found.start is None else self._copy_start(found)
        classes = facts.class_numbers or None
        outputs = 1 if facts.masks == "binary" and not found.start else len(classes) if classes else 2
        metadata = {
            "name": self.path.name,
            "description": f"Segmentation of images like the {facts.images} that it was trained with",
            "data_source": str(facts),
            **describe_network(settings["in_channels"], outputs, classes, settings["patch_size"]),
        }
        write_bundle(self.path, found.source, found.plan, str(facts), metadata, minutes)
        for name in ("train", "validation"):
            listed: Sequence[Any] = self.record["given"][name]
            write_text(self._work / f"{name}.json", json.dumps({"training": listed}, indent=1))
        self.note(
            facts=str(facts),
            masks=facts.masks,
            classes=classes,
            trials=[trial._asdict() for trial in found.trials],
            plan=[choice._asdict() for choice in found.plan.choices],
        )

    def training_command(self) -> list[str]:
        """Arguments of ``python -m monai.bundle`` in the folder of the bundle."""
        options = {
            "config_file": "configs/train.json",
            "dataset_dir": self._work / "train.json",
            "validation_dir": self._work / "validation.json",
            "output_dir": self._work,
            "ckpt_dir": self.trained.parent,
            "minutes": self.record["training_minutes"],
            **({"pretrained": self.start} if self.start.is_file() else {}),
        }
        return ["run", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]

    def keep(self, weights: Path) -> None:
        """Put weights into the bundle, with their settings."""
        target = self.path / WEIGHTS
        target.parent.mkdir(exist_ok=True)
        shutil.copy(weights, target)
        pass_on_settings(weights, target, self.path)

    def _copy_start(self, found: Preparation) -> dict[str, Any]:
        assert found.start is not None
        source = found.start.model / WEIGHTS
        self.start.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, self.start)
        shutil.copy(settings_beside(source), settings_beside(self.start))
        changed = at_scale(kept_settings(source), found.start.scale) | found.plan.settings
        keep_settings(self.start, bundle_root=self.path, **changed)
        return kept_settings(self.start)
