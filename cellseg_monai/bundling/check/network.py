"""The network of a bundle: one for training and inference, of the shape promised, with weights that fit."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai.bundle import verify_net_in_out

from cellseg_monai.bundling.check.configs import load_config, present
from cellseg_monai.data.checks.finding import Finding, error, note
from cellseg_monai.runtime.matching_decoding import require_match
from cellseg_monai.training.mismatches import mismatches, summary
from cellseg_monai.training.pretrained import own_names, read_weights

WEIGHTS = Path("models/model.pt")
"""Where MONAI looks for the weights of a bundle."""


def check_same_network(bundle: Path) -> Iterator[Finding]:
    """What is trained must be what infers."""
    with TemporaryDirectory() as output:
        parsers = [load_config(bundle, name, output) for name in ("train", "inference")]
    keys = ("network_def", "in_channels", "out_channels", "patch_size", "settings")
    for key in keys:
        trained, used = (_without_places(parser.get(key)) for parser in parsers)
        if trained != used:
            message = f"{key} is {used}, but {trained} in train.json"
            remedy = "override it in bundle.yaml, section shared, and render"
            yield error("same network", str(bundle / "configs/inference.json"), message, remedy)


def _without_places(value: Any) -> Any:
    """Settings that are read for other weights in training are still the same settings."""
    places = ("weights", "bundle_root")
    return (
        {key: part for key, part in value.items() if key not in places} if isinstance(value, dict) else value
    )


def check_target_and_decoding(bundle: Path) -> Iterator[Finding]:
    """What the network is trained to say must be what its decoding reads, under every overlay."""
    for name in present(bundle):
        with TemporaryDirectory() as output:
            parser = load_config(bundle, name, output)
        if "target" in parser and "decoding" in parser:
            try:
                require_match(*(parser.get_parsed_content(key) for key in ("target", "decoding")))
            except ValueError as fault:
                file = str(bundle / "configs" / f"{name}.json")
                yield error("target and decoding", file, str(fault), "mend bundle.yaml and render")


def check_net_in_out(bundle: Path) -> Iterator[Finding]:
    """MONAI's ``verify_net_in_out`` as the zoo calls it, with p = n = any = 1."""
    metadata, config = (str(bundle / "configs" / name) for name in ("metadata.json", "inference.json"))
    settings = {"bundle_root": str(bundle), "device": "cpu", "p": 1, "n": 1, "any": 1}
    try:
        with _quiet(logging.getLogger("monai.bundle.scripts")):
            verify_net_in_out("network_def", metadata, config, **settings)
    except Exception as fault:  # noqa: BLE001  a network refuses a size in its own way
        message = f"the network does not do what network_data_format says: {' '.join(str(fault).split())}"
        yield error("net in/out", metadata, message, "mend spatial_shape, num_channels or dtype there")


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """MONAI tells at length with which arguments it was called."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def check_weights(bundle: Path) -> Iterator[Finding]:
    """Weights must be a bare state dictionary that ``torch.load(weights_only=True)`` reads and that fits."""
    file = bundle / WEIGHTS
    if not file.is_file():
        yield note("weights", str(file), "not there", "train the bundle, or fetch its large files")
        return
    try:
        weights = read_weights(file)
    except ValueError as fault:
        message, _, remedy = str(fault).removeprefix(f"{file}: ").rpartition("; ")
        yield error("weights", str(file), message, remedy)
        return
    with TemporaryDirectory() as output:
        network = load_config(bundle, "inference", output).get_parsed_content("network_def")
    expected = network.state_dict()
    if faults := mismatches(expected, own_names(expected, weights)):
        yield error("weights", str(file), summary(faults), "train this network, or correct network_def")
