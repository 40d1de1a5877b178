"""Lists of training, validation and test images."""

import json
from pathlib import Path

import pytest

from cellseg_monai.cli import main
from cellseg_monai.data import groups_in_common, list_items, split_parts, write_synthetic_dataset

TILES = [
    {"image": f"{image}_{tile}.tif", "group": f"image {image}"} for image in range(44) for tile in range(16)
]


@pytest.mark.parametrize("seed", range(5))
def test_the_704_tiles_of_44_images_by_hand(seed: int) -> None:
    """70 % of 704 are 492.8, and 90 % are 633.6: 493, then 634 - 493 = 141, then 70."""
    parts = split_parts(TILES, [70, 20, 10], seed=seed, divide_groups=True)
    assert [len(part) for part in parts] == [493, 141, 70]
    assert sorted(item["image"] for part in parts for item in part) == sorted(item["image"] for item in TILES)
    assert groups_in_common(parts[0], parts[2])


def test_groups_stay_together_unless_divided() -> None:
    """Of 44 images, 30.8, 8.8 and 4.4."""
    parts = split_parts(TILES, [0.7, 0.2, 0.1])
    assert [len({item["group"] for item in part}) for part in parts] == [31, 9, 4]
    assert not groups_in_common(parts[0], [*parts[1], *parts[2]])
    assert not groups_in_common(parts[1], parts[2])


def test_the_seed_chooses_the_split() -> None:
    one, same, other = (split_parts(TILES, [1, 1], seed=seed, divide_groups=True) for seed in (0, 0, 1))
    assert one == same != other


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([1], "two or three positive numbers"),
        ([70, 20, 10, 1], "two or three positive numbers"),
        ([70, 0], "two or three positive numbers, such as 70 20 10"),
        ([998, 1, 1], "4 images are too few for the parts"),
    ],
)
def test_wrong_parts_are_told(shares: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_parts(TILES[:4], shares, divide_groups=True)


def test_lists_of_all_sections_for_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = write_synthetic_dataset("nuclei", tmp_path / "set", count=6, size=(32, 32))
    listing = json.loads(dataset.read_text())
    listing["test"] = listing["training"][4:]
    listing["training"] = listing["training"][:4]
    listing["unlabelled"] = []
    dataset.write_text(json.dumps(listing))
    words = ["data", "split", str(dataset.parent), "--out", str(tmp_path / "lists")]
    assert main([*words, "--parts", "50", "50"]) == 0
    assert main([*words, "--parts", "2", "2", "2", "--divide-groups", "--seed", "1"]) == 0
    files = [tmp_path / "lists" / f"{name}.json" for name in ("training", "validation", "test")]
    assert capsys.readouterr().out.splitlines()[-3:] == list(map(str, files))
    parts = [list_items(file) for file in files]
    assert [len(part) for part in parts] == [2, 2, 2]
    assert sorted(Path(item["label"]).name for part in parts for item in part) == [
        f"nuclei_00{number}.tif" for number in range(6)
    ]
    assert parts[0][0]["group"].startswith("dish_")
