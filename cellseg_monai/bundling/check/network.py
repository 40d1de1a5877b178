"""The network of a bundle must match between training and inference, and with the metadata."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from monai.bundle import verify_net_in_out

from cellseg_monai.bundling.check.configs import load_config, present
from cellseg_monai.data.checks.finding import Finding, error
from cellseg_monai.outputs.causes import in_one_line
from cellseg_monai.runtime.finding import INFERENCE, METADATA
from cellseg_monai.runtime.trained_parts import require_match

_KEYS = ("network_def", "in_channels", "out_channels", "patch_size", "settings")


def check_same_network(bundle: Path) -> Iterator[Finding]:
    """Check that training and inference have the same network and settings."""
    parsers = [load_config(bundle, name) for name in ("train", "inference")]
    for key in _KEYS:
        trained, used = (_without_places(parser.get(key)) for parser in parsers)
        if trained != used:
            message = f"{key} is {used}, but {trained} in train.json"
            remedy = "override it in section shared of bundle.yaml, and render"
            yield error("same network", str(bundle / INFERENCE), message, remedy)


def _without_places(value: Any) -> Any:
    """A value without paths; training reads the same settings beside other weights."""
    if not isinstance(value, dict):
        return value
    return {key: part for key, part in value.items() if key not in ("weights", "bundle_root")}


def check_target_and_decoding(bundle: Path) -> Iterator[Finding]:
    """Check that the decoding of each configuration belongs to its training target."""
    for name in present(bundle):
        parser = load_config(bundle, name)
        if "target" in parser and "decoding" in parser:
            try:
                require_match(*(parser.get_parsed_content(key) for key in ("target", "decoding")))
            except ValueError as fault:
                file = str(bundle / "configs" / f"{name}.json")
                yield error("target and decoding", file, str(fault), "correct bundle.yaml and render")


def check_net_in_out(bundle: Path) -> Iterator[Finding]:
    """Run MONAI's ``verify_net_in_out`` as the zoo does, with p = n = any = 1."""
    metadata, config = str(bundle / METADATA), str(bundle / INFERENCE)
    settings = {"bundle_root": str(bundle), "device": "cpu", "p": 1, "n": 1, "any": 1}
    logger, fault = logging.getLogger("monai.bundle.scripts"), None
    level = logger.level
    logger.setLevel(logging.WARNING)  # hides the arguments of the call
    try:
        verify_net_in_out("network_def", metadata, config, **settings)
    except Exception as raised:  # noqa: BLE001  each network rejects a size in its own way
        fault = raised
    finally:
        logger.setLevel(level)
    if fault is not None:
        message = f"the network does not match network_data_format: {in_one_line(fault)}"
        yield error("net in/out", metadata, message, "correct spatial_shape, num_channels or dtype there")
