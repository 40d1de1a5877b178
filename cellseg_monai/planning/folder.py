"""The folder of a bundle that is being trained: the record of what has been planned and scored."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cellseg_monai.outputs import write_text, written_whole
from cellseg_monai.outputs.lock import HIDDEN
from cellseg_monai.outputs.run_record import RUN
from cellseg_monai.planning.bundle import describe_network, write_bundle
from cellseg_monai.planning.candidates import Candidate, Judge
from cellseg_monai.planning.preparation import Preparation
from cellseg_monai.planning.run import WORK, Run
from cellseg_monai.planning.splits import MAIN
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
        if not (path / _PLAN).is_file() and any(file.name != HIDDEN for file in path.glob("*")):
            raise ValueError(f"{path}: the folder is not empty; choose a new one for the bundle")
        plain = json.loads(json.dumps(given, default=str))
        file = path / _PLAN
        self.record: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        if "plan" not in self.record:  # also if it was interrupted before
            self.record = {"given": plain, "candidates": []}
        for name, value in plain.items():
            if self.record["given"].get(name) != value:
                raise ValueError(
                    f"{file}: this training was begun with other values of {name}; give the same again to "
                    "continue it, or choose another folder"
                )

    @property
    def begun(self) -> bool:
        """Whether the training has been planned."""
        return "plan" in self.record

    @property
    def start(self) -> Path | None:
        """Weights that the training starts from; None for random ones."""
        file = self.run("start").weights
        return file if file.is_file() else None

    @property
    def judge(self) -> Judge:
        """How weights are scored."""
        return Judge(self.path, self.record["masks"], self.record["classes"])

    @property
    def candidates(self) -> dict[str, Candidate]:
        """Candidates with their scores, by name."""
        found = (Candidate.from_record(each) for each in self.record["candidates"])
        return {each.name: each for each in found}

    def run(self, name: str) -> Run:
        """Training of this name."""
        return Run(self.path, name)

    def judged(
        self, name: str, weights: Path, images: Path, *, calibrated_on: Path | None = None
    ) -> Candidate:
        """Score weights on images, if they are not scored yet.

        Args:
            name: name of the candidate, and of the folder for its scores.
            weights: file of the weights.
            images: list of the images.
            calibrated_on: list of the images on which the decoding is chosen first.
        """
        if name not in self.candidates:
            if calibrated_on is not None:
                self.judge.calibrate(weights, calibrated_on)
            scores = self.run(name).folder / "scores"
            self.record["candidates"].append(self.judge.score(name, weights, images, scores)._asdict())
            self.note()
        return self.candidates[name]

    def note(self, **more: Any) -> None:
        """Add to the record and write it."""
        self.record |= more
        write_text(self.path / _PLAN, json.dumps(self.record, indent=1, default=str, ensure_ascii=False))

    def begin(self, found: Preparation) -> None:
        """Write the bundle and the weights of the start.

        Args:
            found: planned training.
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
            "training_images": len(self.record["given"]["trainings"][MAIN][0]),
            **describe_network(settings["in_channels"], outputs, classes, settings["patch_size"]),
        }
        write_bundle(self.path, found.source, found.plan, str(facts), metadata)
        self.note(
            summary=str(found),
            facts=asdict(facts),
            masks=facts.masks,
            classes=classes,
            trials=[trial._asdict() for trial in found.trials],
            plan=[choice._asdict() for choice in found.plan.choices],
        )

    def results(self) -> list[Path]:
        """Files of the bundle, without those of its trainings."""
        found = ((file, file.relative_to(self.path).parts) for file in sorted(self.path.rglob("*")))
        hidden = (WORK, HIDDEN, RUN)
        return [file for file, parts in found if file.is_file() and parts[0] not in hidden]

    def keep(self, weights: Path) -> None:
        """Put weights into the bundle, with their settings."""
        target = self.path / WEIGHTS
        with written_whole(target) as part:
            shutil.copyfile(weights, part)
        pass_on_settings(weights, target, self.path)

    def _copy_start(self, found: Preparation) -> dict[str, Any]:
        assert found.start is not None
        shipped, start = self.run("shipped").weights, self.run("start").weights
        for copy in (shipped, start):
            copy.parent.mkdir(parents=True, exist_ok=True)
            for file in (found.start.model / WEIGHTS, settings_beside(found.start.model / WEIGHTS)):
                shutil.copy(file, copy.parent)
        keep_settings(shipped, bundle_root=self.path)
        changed = at_scale(kept_settings(shipped), found.start.scale) | found.plan.settings
        keep_settings(start, bundle_root=self.path, **changed)
        return kept_settings(start)
