"""What each bundle of the repository tells of its weights is told once."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cellseg_monai.bundling.card import NO_WEIGHTS
from cellseg_monai.outputs.digest import digest_of
from tests.bundles.reduced import BUNDLES, NARROW


def content(file: Path) -> Any:
    return json.loads(file.read_text())


@pytest.mark.parametrize("name", sorted(NARROW))
def test_card_metadata_results_and_weights_agree(name: str) -> None:
    bundle = BUNDLES / name
    card, metadata = (bundle / "docs/README.md").read_text(), content(bundle / "configs/metadata.json")
    if not (bundle / "docs/results.json").is_file():
        assert NO_WEIGHTS in card
        assert "eval_metrics" not in metadata
        return
    results = content(bundle / "docs/results.json")
    assert list(metadata["eval_metrics"]) == [test["name"] for test in results["tests"]]
    parts = re.split(r"^On .+:\n", card, flags=re.MULTILINE)[1:]
    for test, part in zip(results["tests"], parts, strict=True):
        told = metadata["eval_metrics"][test["name"]]
        rows = dict(re.findall(r"^\| (\S+) \| (\d\.\d{4}) \|", part, flags=re.MULTILINE))
        assert {score: value["mean"] for score, value in test["scores"].items()} == {
            score: told[score] for score in test["scores"]
        }
        for score, value in test["scores"].items():
            assert float(rows[score]) == value["mean"]
            assert [value["low"], value["high"]] == told.get(f"{score}_interval", [None, None])
    sha256 = digest_of(bundle / "models/model.pt")
    assert sha256 == results["weights"]["sha256"]
    assert not (bundle / "large_files.yml").exists()  # its entries need an address, and all is in the bundle
    pictures = list((bundle / "docs").glob("failure_*.jpg"))
    assert {file.name for file in pictures} == {
        row["picture"] for row in results["worst"] if "picture" in row
    }
    assert sum(file.stat().st_size for file in pictures) <= 200_000
