"""What ``configs/metadata.json`` must say."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator

from cellseg_monai.data.checks.finding import Finding, error

SCHEMA = Path(__file__).parents[1] / "metadata_schema.json"
"""Also for MONAI's command, which then needs no network: ``monai.bundle verify_metadata --filepath <it>``."""

_CHECK = "metadata"
_REMEDY = "mend it in bundle.yaml, section metadata, or in the base, and render"


def check_metadata(bundle: Path) -> Iterator[Finding]:
    """Hold the metadata against the schema, and what a schema cannot say."""
    file = bundle / "configs" / "metadata.json"
    metadata = json.loads(file.read_text(encoding="utf-8"))
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for fault in sorted(validator.iter_errors(metadata), key=lambda fault: list(map(str, fault.path))):
        place = "#".join(map(str, fault.path)) or "top level"
        yield error(_CHECK, str(file), f"{place}: {_shortened(fault.message)}", _REMEDY)
    yield from _changelog_findings(metadata, str(file))
    yield from _channel_findings(metadata, str(file))


def _changelog_findings(metadata: Mapping[str, Any], file: str) -> Iterator[Finding]:
    """The zoo wants a line about the current version."""
    version, changelog = metadata.get("version"), metadata.get("changelog", {})
    if version not in changelog:
        listed = ", ".join(changelog) or "nothing"
        message = f"version {version} is not in the changelog, which has {listed}"
        yield error("changelog", file, message, "add a line for it")


def _channel_findings(metadata: Mapping[str, Any], file: str) -> Iterator[Finding]:
    """MONAI Label shows a label for each channel that ``channel_def`` names, so a distance has no name."""
    for side, tensors in metadata.get("network_data_format", {}).items():
        for name, tensor in tensors.items():
            named = tensor.get("channel_def")
            channels = tensor.get("num_channels")
            if named is not None and not set(named) <= set(map(str, range(channels))):
                message = f"{side}#{name}: channel_def names {', '.join(named)} of {channels} channels"
                yield error("channels", file, message, f"name no others than 0 to {channels - 1}")


def _shortened(message: str, longest: int = 200) -> str:
    return message if len(message) <= longest else f"{message[:longest]} …"
