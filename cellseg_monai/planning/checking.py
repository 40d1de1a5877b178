"""The check of a dataset before training: what ``cellseg train`` would refuse, and what it would choose."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from cellseg_monai.data import (
    CheckReport,
    Finding,
    Reading,
    check_dataset,
    labelled,
    list_items,
    render_table,
)
from cellseg_monai.data.checks.finding import error, note, warning
from cellseg_monai.data.checks.report import ImageFacts
from cellseg_monai.data.datalist import Item
from cellseg_monai.outputs import StrPath
from cellseg_monai.outputs.counting import counted
from cellseg_monai.planning.facts import Fingerprint, fingerprint
from cellseg_monai.planning.plan import Choice, plan_training
from cellseg_monai.planning.splits import require_groups

_GREY_OR_COLOUR = 3
_SUGGESTED = ("what the network learns", "channels", "scale", "patch size")


@dataclass(frozen=True)
class TrainingCheck:
    """Result of :func:`check_for_training`.

    Attributes:
        report: findings and statistics.
        dataset: dataset that a training would use; None if there are no masks.
        facts: facts from which it would be planned; None if the masks cannot be used.
        choices: what a training would choose.

    Example:
        >>> TrainingCheck(CheckReport("cells", [], []), None, None, ()).failed
        False
    """

    report: CheckReport
    dataset: Path | None
    facts: Fingerprint | None
    choices: Sequence[Choice]

    @property
    def failed(self) -> bool:
        """Whether there is an error that must be fixed before training."""
        return self.report.failed

    def to_json(self) -> str:
        """Return the report and the choices as JSON."""
        content = json.loads(self.report.to_json())
        content["training"] = [choice._asdict() for choice in self.choices]
        return json.dumps(content, indent=2, ensure_ascii=False)

    def __str__(self) -> str:
        lines = [render_table(self.report)]
        if self.facts is not None:
            lines += ["", f"cellseg train sees {self.facts}", "and with random weights it would choose:"]
            lines += [f"  {line}" for choice in self.choices for line in str(choice).splitlines()]
            command = f"cellseg train {quote(str(self.dataset))} --out BUNDLE --dry-run"
            lines += ["", f"To try models as a start too: {command}"]
        return "\n".join(lines)


def check_for_training(
    source: StrPath, recursive: bool = False, reading: Reading | None = None
) -> TrainingCheck:
    """Check a dataset as :func:`~cellseg_monai.data.check_dataset` does, and try what a training begins with.

    Args:
        source: dataset, or a folder of datasets.
        recursive: whether to search sub-folders of ``images/`` and ``masks/``.
        reading: what to read of the images; by default all.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> folder = write_synthetic_dataset("nuclei", f"{mkdtemp()}/set", count=2, size=(96, 128))
        >>> [choice.what for choice in check_for_training(folder).choices]
        ['what the network learns', 'channels', 'scale', 'patch size']
    """
    report = check_dataset(source, recursive, reading)
    findings = list(report.findings)
    facts = None
    place = _dataset_of(Path(source), report)
    if place is not None and not report.failed:
        try:
            items = labelled(list_items(place))
            facts = fingerprint(items, None if reading is None else reading.config)
        except ValueError as problem:
            findings.append(_refused(error, place, problem))
        else:
            findings += _one_group(place, items)
    findings += _channels(report.images, facts)
    choices = () if facts is None else plan_training(facts).choices
    suggested = tuple(choice for choice in choices if choice.what in _SUGGESTED)
    return TrainingCheck(replace(report, findings=findings), place, facts, suggested)


def _dataset_of(source: Path, report: CheckReport) -> Path | None:
    """The dataset to train with: the source, or its part ``train``; None if there are no masks in it."""
    sections = {image.section for image in report.images if image.label is not None}
    if not source.is_dir() or (source / "dataset.json").is_file() or sections == {""}:
        return source if sections else None
    return source / "train" if "train" in sections else None


def _one_group(source: Path, items: Sequence[Item]) -> Iterator[Finding]:
    """Find images that cannot be split; with a dataset for the validation they can be trained on."""
    try:
        require_groups(items)
    except ValueError as problem:
        yield _refused(warning, source, problem)


def _refused(severity: Callable[..., Finding], source: Path, problem: ValueError) -> Finding:
    message, _, remedy = str(problem).partition("; ")
    file, _, message = message.rpartition(": ")
    return severity("training", file or str(source), message, remedy or "see the message")


def _channels(images: Sequence[ImageFacts], facts: Fingerprint | None) -> Iterator[Finding]:
    """Find images that a network of the training, or of the package, cannot read."""
    if facts is not None:
        for image in images:
            if not _fits(image, facts.channels):
                message = f"it has {counted(image.channels, 'channel')}, but others have {facts.channels}"
                yield error("channels", image.image, message, "save all images with the same channels")
    others = sorted({image.channels for image in images if not _fits(image, _GREY_OR_COLOUR)})
    if others:
        numbers = " or ".join(map(str, others))
        message = f"images have {numbers} channels, which the models of the package refuse"
        remedy = "choose one or three of the channels, or train a network for all: cellseg train"
        yield note("channels", images[0].section or "dataset", message, remedy)


def _fits(image: ImageFacts, channels: int) -> bool:
    if image.channels == channels or {image.channels, channels} == {1, 3}:
        return True
    import torch  # only now, since it takes seconds

    from cellseg_monai.transforms import MatchChannels

    try:
        MatchChannels(channels)(torch.zeros(image.channels, 1, 1))
    except ValueError:
        return False
    return True
