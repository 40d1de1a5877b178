"""Rules for ``configs/metadata.json``."""

import json
from collections.abc import Iterator
from pathlib import Path

from jsonschema import Draft7Validator

from cellseg_monai.data.checks.finding import Finding, error
from cellseg_monai.runtime.finding import METADATA

SCHEMA = Path(__file__).parents[1] / "metadata_schema.json"
"""Schema for MONAI's command too, which then needs no network: ``verify_metadata --filepath FILE``."""

_LONGEST = 200
"""Longest message of the schema."""


def check_metadata(bundle: Path) -> Iterator[Finding]:
    """Check the metadata against the schema, and against the rules that a schema cannot express."""
    file = bundle / METADATA
    metadata = json.loads(file.read_text(encoding="utf-8"))
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    remedy = "correct section metadata of bundle.yaml, or the base, and render"
    for fault in sorted(validator.iter_errors(metadata), key=lambda fault: list(map(str, fault.path))):
        place = "#".join(map(str, fault.path)) or "top level"
        more = " …" if len(fault.message) > _LONGEST else ""
        yield error("metadata", str(file), f"{place}: {fault.message[:_LONGEST]}{more}", remedy)
    version, changelog = metadata.get("version"), metadata.get("changelog", {})
    if version not in changelog:  # a rule of the zoo
        message = f"version {version} is not in the changelog, which has {', '.join(changelog) or 'nothing'}"
        yield error("changelog", str(file), message, "add a line for it")
    # MONAI Label shows a label for each channel in channel_def, so a distance must not be named there.
    for side, tensors in metadata.get("network_data_format", {}).items():
        for name, tensor in tensors.items():
            named, channels = tensor.get("channel_def") or (), tensor.get("num_channels")
            if not set(named) <= set(map(str, range(channels))):
                message = f"{side}#{name}: channel_def names {', '.join(named)} of {channels} channels"
                yield error("channels", str(file), message, f"only name channels 0 to {channels - 1}")
