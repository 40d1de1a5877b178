"""The scores that a bundle quotes and the decoding that it keeps must be those of its weights."""

import json
from collections.abc import Iterator
from pathlib import Path

from monai.bundle import ConfigParser

from cellseg_monai.bundling.card import RESULTS
from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.bundling.large_files import LARGE_FILES
from cellseg_monai.data.checks.finding import Finding, error
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.kept_decoding import is_of, kept_beside


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


def check_kept_decoding(bundle: Path) -> Iterator[Finding]:
    """A decoding that lies beside the weights must have been calibrated for these."""
    weights = bundle / WEIGHTS
    kept = kept_beside(weights)
    if kept.is_file() and weights.is_file() and not is_of(kept, weights):
        remedy = f"delete it, or calibrate again: cellseg calibrate {bundle} --data DATA --out OUT --keep"
        yield error("kept decoding", str(kept), "was calibrated for other weights", remedy)
