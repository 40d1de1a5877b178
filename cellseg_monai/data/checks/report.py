"""The report of a check, as a table for people and as JSON for programs."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cellseg_monai.data.checks.finding import Finding, Severity

_FILES_SHOWN = 3


@dataclass(frozen=True)
class ImageFacts:
    """Facts about one image and its mask."""

    section: str
    name: str
    image: str
    label: str | None
    width: int
    height: int
    channels: int
    dtype: str
    pixel_size: tuple[float, ...] | None
    digest: str
    areas: tuple[int, ...] = field(default=(), repr=False)
    ids: tuple[int, ...] = field(default=(), repr=False)
    foreground: float | None = None


@dataclass(frozen=True)
class CheckReport:
    """Result of :func:`~cellseg_monai.data.check_dataset`.

    Attributes:
        source: path of the dataset.
        images: facts about each readable image.
        findings: problems of the dataset.

    Example:
        >>> CheckReport("cells", [], []).failed
        False
    """

    source: str
    images: list[ImageFacts]
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether there is an error that must be fixed before training."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def summary(self) -> dict[str, Any]:
        """Return statistics of the dataset: sizes, foreground and objects."""
        areas = np.array([area for fact in self.images for area in fact.areas], float)
        foreground = [fact.foreground for fact in self.images if fact.foreground is not None]
        diameters = 2 * np.sqrt(areas / np.pi)
        return {
            "images": len(self.images),
            "labelled": len(foreground),
            "width": _range([fact.width for fact in self.images]),
            "height": _range([fact.height for fact in self.images]),
            "foreground": _range(foreground),
            "objects": int(areas.size),
            "objects per image": _range([len(fact.areas) for fact in self.images if fact.areas]),
            "object diameter (5 %, median, 95 %)": (
                np.percentile(diameters, [5, 50, 95]).round(1).tolist() if areas.size else None
            ),
        }

    def to_json(self) -> str:
        """Return the report as JSON, without the areas of single objects."""
        images = [
            {key: value for key, value in asdict(fact).items() if key not in ("areas", "ids")}
            for fact in self.images
        ]
        findings = [asdict(finding) | {"severity": finding.severity.value} for finding in self.findings]
        content = {"source": self.source, "failed": self.failed, "summary": self.summary()}
        return json.dumps(content | {"findings": findings, "images": images}, indent=2, ensure_ascii=False)


def render_table(report: CheckReport) -> str:
    """Return the report as text: statistics, then the findings by check, errors first.

    Example:
        >>> print(render_table(CheckReport("cells", [], [])).splitlines()[0])
        cells: 0 images, 0 errors, 0 warnings, 0 notes
    """
    counts = {"image": len(report.images)} | {
        severity.value: sum(finding.severity is severity for finding in report.findings)
        for severity in Severity
    }
    counted = ", ".join(f"{count} {noun}" + "s" * (count != 1) for noun, count in counts.items())
    lines = [f"{report.source}: {counted}", ""]
    lines += [f"  {name:<38}{_shown(value)}" for name, value in report.summary().items()]
    by_check = defaultdict(list)
    for finding in sorted(report.findings, key=lambda finding: list(Severity).index(finding.severity)):
        by_check[finding.severity, finding.check].append(finding)
    for (severity, check), findings in by_check.items():
        lines += ["", f"{severity.value.upper()} {check} ({len(findings)}): {findings[0].remedy}"]
        lines += [f"  {finding.file}: {finding.message}" for finding in findings[:_FILES_SHOWN]]
        if len(findings) > _FILES_SHOWN:
            lines.append(f"  … and {len(findings) - _FILES_SHOWN} more (--json lists them all)")
    return "\n".join(lines)


def _range(values: list[Any]) -> list[Any] | None:
    return [min(values), max(values)] if values else None


def _shown(value: Any) -> str:
    if value is None:
        return "unknown"
    if not isinstance(value, list):
        return str(value)
    texts = (f"{entry:.3g}" if isinstance(entry, float) else str(entry) for entry in value)
    return " … ".join(dict.fromkeys(texts))
