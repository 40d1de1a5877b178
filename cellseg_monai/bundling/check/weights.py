"""The weights of a bundle must fit its network; its scores and settings must belong to these weights."""

from collections.abc import Iterator
from pathlib import Path

from monai.bundle import ConfigParser

from cellseg_monai.bundling.card import RESULTS, read_results
from cellseg_monai.bundling.check.configs import load_config
from cellseg_monai.bundling.large_files import LARGE_FILES
from cellseg_monai.data.checks.finding import Finding, error, note
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.settings import WEIGHTS, is_of, settings_beside
from cellseg_monai.training import load_pretrained


def check_weights(bundle: Path) -> Iterator[Finding]:
    """Check that the weights are a bare state dictionary that fits; MONAI Label would only warn."""
    file = bundle / WEIGHTS
    if not file.is_file():
        yield note("weights", str(file), "missing", "train the bundle, or download its large files")
        return
    network = load_config(bundle, "inference").get_parsed_content("network_def")
    try:
        load_pretrained(network, file)
    except ValueError as fault:
        message = str(fault).removeprefix(f"{file}: ").rpartition("; ")[0]
        remedy = "train the network of this bundle, and save network.state_dict() alone"
        yield error("weights", str(file), message, remedy)


def check_results(bundle: Path) -> Iterator[Finding]:
    """Check that results and ``large_files.yml`` belong to the weights, and that all pictures exist."""
    results = read_results(bundle)
    if results is None:
        return
    sha256, remedy = results["weights"]["sha256"], f"evaluate again, and run: cellseg bundle card {bundle}"
    weights, listing = bundle / WEIGHTS, bundle / LARGE_FILES
    if weights.is_file() and digest_of(weights) != sha256:
        yield error("results", str(weights), f"{RESULTS} has the scores of other weights", remedy)
    listed = ConfigParser.load_config_file(listing)["large_files"] if listing.is_file() else []
    if {entry.get("hash_val") for entry in listed if entry.get("path") == WEIGHTS.as_posix()} - {sha256}:
        yield error("results", str(listing), f"lists other weights than {RESULTS}", remedy)
    for row in results["worst"]:
        picture = bundle / RESULTS.parent / row.get("picture", "")
        if not picture.exists():
            yield error("results", str(picture), "the card shows this picture, but it is missing", remedy)


def check_settings(bundle: Path) -> Iterator[Finding]:
    """Check that the settings beside the weights belong to these weights."""
    weights = bundle / WEIGHTS
    if not weights.is_file():
        return
    kept = settings_beside(weights)
    if not kept.is_file():
        yield note("settings", str(kept), "missing", "train again, so that inference needs no options")
    elif not is_of(kept, weights):
        yield error("settings", str(kept), "belongs to other weights", "delete it, or train again")
