"""All checks on all bundles; a broken one hides neither the other checks nor the other bundles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cellseg_monai.bundling.check.components import Outcomes, check_components
from cellseg_monai.bundling.check.metadata import check_metadata
from cellseg_monai.bundling.check.network import (
    check_net_in_out,
    check_same_network,
    check_target_and_decoding,
)
from cellseg_monai.bundling.check.properties import check_properties
from cellseg_monai.bundling.check.weights import check_results, check_settings, check_weights
from cellseg_monai.bundling.check.zoo import check_files, check_large_files, check_name, check_stale
from cellseg_monai.bundling.sources import find_bundles
from cellseg_monai.data.checks.finding import Finding, Severity, error
from cellseg_monai.outputs.causes import in_one_line
from cellseg_monai.runtime.trust import Untrusted, require_trust

CHECKS = (
    check_stale, check_files, check_name, check_large_files, check_metadata, check_properties,
    check_same_network, check_target_and_decoding, check_net_in_out, check_weights, check_results,
    check_settings,
)  # fmt: skip


@dataclass(frozen=True)
class BundleReport:
    """Result of :func:`check_bundles`.

    Attributes:
        findings: findings of each bundle, by its folder.

    Example:
        >>> print(BundleReport({Path("bundles/skip_unet"): []}))
        bundles/skip_unet: 0 errors
    """

    findings: Mapping[Path, list[Finding]]

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(map(_errors, self.findings.values()))

    def __str__(self) -> str:
        lines = []
        for bundle, findings in self.findings.items():
            count = _errors(findings)
            lines.append(f"{bundle}: {count} error{'' if count == 1 else 's'}")
            lines += [f"  {finding}" for finding in findings]
        return "\n".join(lines)


def check_bundles(folder: str | Path, trust: bool = False) -> BundleReport:
    """Check each bundle of a folder against its sources, the model zoo, MONAI and MONAI Label.

    The rendered files must match their sources. Files, name and metadata must follow the rules of the zoo and
    of MONAI Label. Each component must be created without error, also those that only the registries name.
    The network must have the inputs and outputs of the metadata, and the weights must fit it. The checks
    train nothing, need no dataset and download nothing. They call what the configurations name, so a bundle
    that is not one of the package is audited first, and not checked if the audit refuses it.

    Args:
        folder: folder of bundles beside ``_base``, or one bundle.
        trust: whether to check bundles without an audit.

    Returns:
        Findings of every bundle.

    Raises:
        FileNotFoundError: If there is no bundle.

    Example:
        >>> check_bundles("nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: neither the folder nor a folder in it has a bundle.yaml
    """
    outcomes: Outcomes = {}
    return BundleReport({bundle: list(_check(bundle, outcomes, trust)) for bundle in find_bundles(folder)})


def _check(bundle: Path, outcomes: Outcomes, trust: bool) -> Iterator[Finding]:
    try:
        require_trust(bundle, trust)
    except Untrusted as refusal:
        message, _, remedy = str(refusal).removeprefix(f"{bundle}: ").partition("; see all: ")
        yield error("audit", str(bundle), message, f"see all: {remedy}")
        return
    for check in (*CHECKS, partial(check_components, outcomes=outcomes)):
        try:
            yield from check(bundle)
        except Exception as fault:  # noqa: BLE001  a broken part must not hide the rest
            function = check.func if isinstance(check, partial) else check
            name = function.__name__.removeprefix("check_").replace("_", " ")
            message = f"the check {name!r} stopped early, {in_one_line(fault)}"
            yield error(name, str(bundle), message, "correct the errors above, and check again")


def _errors(findings: list[Finding]) -> int:
    return sum(finding.severity is Severity.ERROR for finding in findings)
