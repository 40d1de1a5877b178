"""``cellseg models``: what comes with the package."""

from pathlib import Path

import pytest

from cellseg_monai.bundling import catalogue, describe_model, models_table
from cellseg_monai.cli import main
from cellseg_monai.runtime import finding
from tests.bundles.reduced import BUNDLES, NARROW


def test_every_bundle_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split("  ")[0] == "name"
    table, texts = rows[: rows.index("")], rows[rows.index("") + 1 :]
    assert [row.split()[0] for row in table if row[0] != " "] == sorted(NARROW)
    assert all("Apache-2.0" in row for row in table if row[0] != " ")
    assert [text.split()[0] for text in texts if text[0] != " "] == sorted(NARROW)
    assert max(map(len, [heading, *rows])) <= 100


def test_folder_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--folder", "skip_unet"]) == 0
    assert capsys.readouterr().out.strip() == str(BUNDLES / "skip_unet")
    assert main(["models", "--folder", "skip"]) == 1
    assert "one of these names: attention_unetpp" in capsys.readouterr().err


def write_bundle(home: Path, metadata: str, weights: int = 0) -> Path:
    folder = home / "cells"
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "LICENSE").write_text("\n  MIT License\n\nCopyright\n")
    (folder / "configs/metadata.json").write_text(metadata)
    if weights:
        (folder / "models/model.pt").write_bytes(b"0" * weights)
    return folder


def test_scores_come_from_the_metadata(tmp_path: Path) -> None:
    first, second = '"one": {"dice": 0.9, "f1@0.5": 0.75, "images": 3}', '"two": {"dice": 0.25}'
    metadata = f'{{"version": "0.2.0", "data_source": "mine", "eval_metrics": {{{first}, {second}}}}}'
    model = describe_model(write_bundle(tmp_path, metadata, 2_340_000))
    assert (model.megabytes, model.licence, model.learned_from) == (2.34, "MIT", "mine")
    assert models_table([model]).splitlines()[1:] == [
        "cells  0.2.0    2.3 MB   one        0.900  0.750  MIT",
        "                         two        0.250  –",
        "",
        "cells was trained on mine",
    ]


def test_without_weights_no_score_is_told(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, '{"version": "1.0", "eval_metrics": {"one": {"dice": 0.9}}}')
    table = models_table([describe_model(folder)])
    assert f"cells has no weights yet; to train it, see {folder}/docs/README.md" in table
    assert "0.9" not in table


def test_a_checkout_is_preferred_to_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed, checkout = tmp_path / "site/_bundles", tmp_path / "clone/bundles"
    write_bundle(installed, "{}")
    other = write_bundle(checkout, "{}")
    monkeypatch.setattr(finding, "_INSTALLED", installed)
    monkeypatch.setattr(finding, "_CHECKOUT", checkout)
    assert catalogue.known_bundles() == {"cells": installed / "cells"}  # a folder of somebody else's
    (checkout / "_base").mkdir()
    assert catalogue.known_bundles() == {"cells": other}
