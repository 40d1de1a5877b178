"""The report of a check: a table for people, JSON for programs."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cellseg_monai.data.checks.finding import Finding, Severity

_FILES_SHOWN = 3
_DIAMETERS_IN_A_PATCH = 4


@dataclass(frozen=True)
class ImageFacts:
    """Figures of one image and its mask."""

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
    """What :func:`~cellseg_monai.data.check_dataset` found.

    Attributes:
        source: the dataset.
        images: figures of every image that could be read.
        findings: what was noticed.

    Example:
        >>> CheckReport("cells", [], []).failed
        False
    """

    source: str
    images: list[ImageFacts]
    findings: list[Finding]

    @property
    def failed(self) -> bool:
        """Whether something must be mended before training."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)

    def summary(self) -> dict[str, Any]:
        """Figures of the whole set: sizes, foreground, objects, and the patch size they suggest."""
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
            "object diameter (5 %, median, 95 %)": _percentiles(diameters),
            "suggested patch size": self._patch_size(diameters),
        }

    def to_json(self) -> str:
        """The whole report as JSON; areas of single objects are left out, the summary has their spread."""
        images = [
            {key: value for key, value in asdict(fact).items() if key not in ("areas", "ids")}
            for fact in self.images
        ]
        findings = [asdict(finding) | {"severity": finding.severity.value} for finding in self.findings]
        content = {"source": self.source, "failed": self.failed, "summary": self.summary()}
        return json.dumps(content | {"findings": findings, "images": images}, indent=2, ensure_ascii=False)

    def _patch_size(self, diameters: np.ndarray[Any, Any]) -> int | None:
        """Room for four large objects side by side, in steps of 32 from 64 to 512, within the images."""
        if not diameters.size:
            return None
        wanted = _DIAMETERS_IN_A_PATCH * float(np.percentile(diameters, 95))
        smallest_side = min(min(fact.width, fact.height) for fact in self.images)
        fitting = min(max(int(np.ceil(wanted / 32)) * 32, 64), 512)
        return min(fitting, max(smallest_side // 32 * 32, 32))


def render_table(report: CheckReport) -> str:
    """The report as text: figures, then findings of one kind together, errors first.

    Example:
        >>> print(render_table(CheckReport("cells", [], [])).splitlines()[0])
        cells: 0 images, 0 errors, 0 warnings, 0 notes
    """
    counts = [sum(finding.severity is severity for finding in report.findings) for severity in Severity]
    lines = [
        f"{report.source}: {_counted(len(report.images), 'image')}, {_counted(counts[0], 'error')}, "
        f"{_counted(counts[1], 'warning')}, {_counted(counts[2], 'note')}",
        "",
    ]
    lines += [f"  {name:<38}{_shown(value)}" for name, value in report.summary().items()]
    for severity in Severity:
        by_check = defaultdict(list)
        for finding in report.findings:
            if finding.severity is severity:
                by_check[finding.check].append(finding)
        for check, findings in by_check.items():
            lines += ["", f"{severity.value.upper()} {check} ({len(findings)}): {findings[0].remedy}"]
            lines += [f"  {finding.file}: {finding.message}" for finding in findings[:_FILES_SHOWN]]
            if len(findings) > _FILES_SHOWN:
                lines.append(f"  … and {len(findings) - _FILES_SHOWN} more (--json lists them all)")
    return "\n".join(lines)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _range(values: list[Any]) -> list[Any] | None:
    return [min(values), max(values)] if values else None


def _percentiles(values: np.ndarray[Any, Any]) -> list[float] | None:
    return [round(float(value), 1) for value in np.percentile(values, [5, 50, 95])] if values.size else None


def _shown(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, list):
        distinct = list(
            dict.fromkeys(f"{entry:.3g}" if isinstance(entry, float) else str(entry) for entry in value)
        )
        return " … ".join(distinct)
    return str(value)
