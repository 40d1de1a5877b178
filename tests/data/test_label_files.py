from pathlib import Path

import pytest

from cellseg_monai.data import label_files


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (["a.tif", "b.png"], {"a": "a.tif", "b": "b.png"}),
        (["a_mask.tif", "b_cp_masks.png"], {"a": "a_mask.tif", "b": "b_cp_masks.png"}),
        (["a.tif", "a_mask.png"], {"a": "a_mask.png"}),
        (["labels/a.tif", "probability/a.tif"], {"a": "labels/a.tif"}),
        (["labels/images/a.tif", "labels/p/a.tif"], {"a": "labels/images/a.tif", "p/a": "labels/p/a.tif"}),
        (["a.tif", "notes.txt", ".a.tif"], {"a": "a.tif"}),
        (["notes.txt"], {}),
    ],
    ids=["plain", "endings", "image and mask", "output of a bundle", "sub-folders", "other files", "nothing"],
)  # fmt: skip
def test_names(tmp_path: Path, files: list[str], expected: dict[str, str]) -> None:
    touch(tmp_path, *files)
    found = {name: path.relative_to(tmp_path).as_posix() for name, path in label_files(tmp_path).items()}
    assert found == expected


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "a.tif")
    with pytest.raises(ValueError, match=r"a\.png and .*a\.tif share the name a; keep one"):
        label_files(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder"):
        label_files(tmp_path / "nowhere")
