"""The scores that a bundle quotes and the settings that it keeps must be those of its weights."""

import json
from collections.abc import Iterator
from pathlib import Path

from monai.bundle import ConfigParser

from cellseg_monai.bundling.card import RESULTS
from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.bundling.large_files import LARGE_FILES
from cellseg_monai.data.checks.finding import Finding, error, note
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.settings import is_of, settings_beside


def check_results(bundle: Path) -> Iterator[Finding]:
    """Weights, results and an entry in ``large_files.yml`` must be of one hash, and pictures be there."""
    if not (bundle / RESULTS).is_file():
        return
    results = json.loads((bundle / RESULTS).read_text(encoding="utf-8"))
    sha256, remedy = results["weights"]["sha256"], f"evaluate again, and run: cellseg bundle card {bundle}"
    weights = bundle / WEIGHTS
    if weights.is_file() and digest_of(weights) != sha256:
        yield error("results", str(weights), f"{RESULTS} tells the scores of other weights", remedy)
    listing = bundle / LARGE_FILES
    listed = ConfigParser.load_config_file(listing)["large_files"] if listing.is_file() else []
    if {entry.get("hash_val") for entry in listed if entry.get("path") == WEIGHTS.as_posix()} - {sha256}:
        yield error("results", str(listing), f"lists other weights than those that {RESULTS} is of", remedy)
    for row in results["worst"]:
        picture = bundle / RESULTS.parent / row.get("picture", "")
        if not picture.exists():
            yield error("results", str(picture), "the card shows this picture, and it is missing", remedy)


def check_settings(bundle: Path) -> Iterator[Finding]:
    """The settings beside the weights must be of these weights."""
    weights = bundle / WEIGHTS
    if not weights.is_file():
        return
    kept = settings_beside(weights)
    if not kept.is_file():
        yield note("settings", str(kept), "missing", "train again, so that inference needs no options")
    elif not is_of(kept, weights):
        yield error("settings", str(kept), "belongs to other weights", "delete it, or train again")
