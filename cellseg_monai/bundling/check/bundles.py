"""All checks on all bundles; one that is broken hides neither the other checks nor the other bundles."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cellseg_monai.bundling.check.components import Outcomes, check_components
from cellseg_monai.bundling.check.metadata import check_metadata
from cellseg_monai.bundling.check.network import (
    check_net_in_out,
    check_same_network,
    check_target_and_decoding,
    check_weights,
)
from cellseg_monai.bundling.check.properties import check_properties
from cellseg_monai.bundling.check.results import check_results, check_settings
from cellseg_monai.bundling.check.zoo import check_files, check_large_files, check_name, check_rendered
from cellseg_monai.bundling.sources import find_bundles
from cellseg_monai.data.checks.finding import Finding, Severity, error

Check = Callable[[Path], Iterator[Finding]]


@dataclass(frozen=True)
class BundleReport:
    """What :func:`check_bundles` found.

    Attributes:
        findings: for each bundle what was noticed.

    Example:
        >>> print(BundleReport({Path("bundles/skip_unet"): []}))
        bundles/skip_unet: 0 errors
    """

    findings: Mapping[Path, list[Finding]]

    @property
    def failed(self) -> bool:
        """Whether something must be mended."""
        return any(map(_errors, self.findings.values()))

    def __str__(self) -> str:
        lines = []
        for bundle, findings in self.findings.items():
            count = _errors(findings)
            lines.append(f"{bundle}: {count} error{'' if count == 1 else 's'}")
            lines += [f"  {finding}" for finding in findings]
        return "\n".join(lines)


def check_bundles(folder: str | Path) -> BundleReport:
    """Check each bundle of a folder against its sources, the model zoo, MONAI and MONAI Label.

    What is committed must be what the sources render to. Files, name and metadata must be as the zoo and
    MONAI Label want them. Every component must be made, also those of the registries that are not in use. The
    network must take and give what the metadata promises, and the weights must fit it. Nothing is trained, no
    dataset is needed, and nothing is downloaded.

    Args:
        folder: a folder of bundles beside ``_base``, or one bundle.

    Returns:
        Findings of every bundle.

    Raises:
        FileNotFoundError: there is no bundle.

    Example:
        >>> check_bundles("nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: neither the folder nor a folder in it has a bundle.yaml
    """
    outcomes: Outcomes = {}
    return BundleReport({bundle: list(_check(bundle, outcomes)) for bundle in find_bundles(folder)})


def _check(bundle: Path, outcomes: Outcomes) -> Iterator[Finding]:
    checks: dict[str, Check] = {
        "stale": check_rendered,
        "files": check_files,
        "name": check_name,
        "large files": check_large_files,
        "metadata": check_metadata,
        "components": partial(check_components, outcomes=outcomes),
        "properties": check_properties,
        "same network": check_same_network,
        "target and decoding": check_target_and_decoding,
        "net in/out": check_net_in_out,
        "weights": check_weights,
        "results": check_results,
        "settings": check_settings,
    }
    for name, check in checks.items():
        try:
            yield from check(bundle)
        except Exception as fault:  # noqa: BLE001  what is broken must not hide the rest
            reason = " ".join(str(fault).split())
            message = f"the check {name!r} ended early, {type(fault).__name__}: {reason}"
            yield error(name, str(bundle), message, "mend what is told above it, and check again")


def _errors(findings: list[Finding]) -> int:
    return sum(finding.severity is Severity.ERROR for finding in findings)
