"""A decoding that lies beside weights, and whose it is."""

import json
from pathlib import Path

import pytest

from cellseg_monai.runtime import calibrated_decoding, keep_decoding

PLAIN = {"threshold": 0.5, "seed_height": 0.25, "min_size": 15}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    file = tmp_path / "model.pt"
    file.write_bytes(b"some weights")
    return file


def test_it_is_found_beside_the_weights_wherever_they_lie(weights: Path, tmp_path: Path) -> None:
    kept = keep_decoding(weights, {"threshold": 0.3, "min_size": 40})
    assert kept == weights.with_name("model.decoding.json")
    assert calibrated_decoding(weights, PLAIN) == {"threshold": 0.3, "seed_height": 0.25, "min_size": 40}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [file.rename(elsewhere / file.name) for file in (weights, kept)]
    assert calibrated_decoding(moved[0], PLAIN)["threshold"] == 0.3


def test_one_byte_makes_other_weights(weights: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep_decoding(weights, {"threshold": 0.3})
    weights.write_bytes(b"same weights")
    assert calibrated_decoding(weights, PLAIN) == PLAIN
    assert "model.decoding.json was calibrated for other weights" in caplog.text
    assert "cellseg calibrate --keep" in caplog.text


def test_without_a_file_or_weights_the_plain_values_count(
    weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert calibrated_decoding(weights, PLAIN) == PLAIN
    keep_decoding(weights, {"threshold": 0.3})
    weights.unlink()
    assert calibrated_decoding(weights, PLAIN) == PLAIN
    assert not caplog.records


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"threshold": 0.3}', '{"weights_sha256": "0"}'],
    ids=["empty", "list", "values alone", "no values"],
)
def test_what_is_no_decoding_is_refused(weights: Path, content: str) -> None:
    weights.with_name("model.decoding.json").write_text(content)
    with pytest.raises(
        ValueError, match=r"model\.decoding\.json: it holds no decoding .*; delete it, or write"
    ):
        calibrated_decoding(weights, PLAIN)


def test_a_value_that_no_decoding_has_is_refused(weights: Path) -> None:
    keep_decoding(weights, {"treshold": 0.3})
    with pytest.raises(
        ValueError, match="it keeps 'treshold', and can keep threshold, seed_height, min_size"
    ):
        calibrated_decoding(weights, PLAIN)


def test_what_is_kept_can_be_read_by_anybody(weights: Path) -> None:
    content = json.loads(keep_decoding(weights, {"threshold": 0.3}).read_text())
    assert content["decoding"] == {"threshold": 0.3}
    assert len(content["weights_sha256"]) == 64
