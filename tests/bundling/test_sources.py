"""Files that people write, and what is wrong with them."""

from pathlib import Path

import pytest

from cellseg_monai.bundling import find_bundles
from cellseg_monai.bundling.sources import load_source


def test_bundles_are_found_in_order_and_the_base_is_none(bundle: Path) -> None:
    folder = bundle.parent
    for name in ("zebra", "ant"):
        (folder / name).mkdir()
        (folder / name / "bundle.yaml").touch()
    assert [found.name for found in find_bundles(folder)] == ["ant", "tiny", "zebra"]
    assert find_bundles(bundle) == [bundle]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "file.yaml: Duplicate key: `a`"),
        ("train:\n  b: {c: 1, c: 2}", "file.yaml: Duplicate key: `c`"),
        ("a: [1", "file.yaml: while parsing"),
        ("", "file.yaml: it must hold ids and values, not None"),
        ("- 1", "it must hold ids and values"),
        ("train: {steps: [1, 1e-3]}", "YAML reads train#steps#1: 1e-3 as text, .* write 0.001"),
        ("rate: 1.0e3", "YAML reads rate: 1.0e3 as text"),
    ],
    ids=["twice", "twice below", "no yaml", "empty", "list", "exponent", "unsigned exponent"],
)
def test_what_yaml_lets_pass_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "file.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        load_source(tmp_path / "file.yaml")


def test_numbers_and_texts_stay_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text("{a: 1.0e-3, b: '$1e-3 * @c', c: 2e, d: '1.0'}")
    assert load_source(tmp_path / "file.yaml") == {"a": 0.001, "b": "$1e-3 * @c", "c": "2e", "d": "1.0"}
