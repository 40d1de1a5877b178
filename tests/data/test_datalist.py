import json
from pathlib import Path

import pytest

from cellseg_monai.data import combine_datasets, labelled, list_items, root_of


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return root


def pairs(items: list[dict]) -> list[tuple[str, str, str | None]]:
    return [
        (item["name"], Path(item["image"]).name, Path(item["label"]).name if "label" in item else None)
        for item in items
    ]


@pytest.mark.parametrize("masks", ["masks", "labels", "mask", "label"])
def test_two_folders_pair_by_stem_across_formats(tmp_path: Path, masks: str) -> None:
    touch(
        tmp_path, "images/b.TIF", "images/a.nii.gz", "images/c.ome.tif", "images/notes.txt", "images/.x.png"
    )
    touch(tmp_path, f"{masks}/a.png", f"{masks}/b_label.tiff", f"{masks}/c_masks.nrrd")
    assert pairs(list_items(tmp_path)) == [
        ("a", "a.nii.gz", "a.png"),
        ("b", "b.TIF", "b_label.tiff"),
        ("c", "c.ome.tif", "c_masks.nrrd"),
    ]


def test_one_folder_with_mask_in_the_name(tmp_path: Path) -> None:
    touch(tmp_path, "x.tif", "x_mask.tif", "y_img.png", "y_cp_masks.png", "z-image.jpg", "z-labels.png")
    assert pairs(list_items(tmp_path)) == [
        ("x", "x.tif", "x_mask.tif"),
        ("y", "y_img.png", "y_cp_masks.png"),
        ("z", "z-image.jpg", "z-labels.png"),
    ]


def test_recursive_pairs_stay_in_their_sub_folder(tmp_path: Path) -> None:
    touch(tmp_path, "images/p1/a.tif", "images/p2/a.tif", "masks/p1/a.png", "masks/p2/a.png")
    items = list_items(tmp_path, recursive=True, group="^[^/]+")
    assert [(item["name"], item["group"]) for item in items] == [("p1/a", "p1"), ("p2/a", "p2")]
    with pytest.raises(ValueError, match="no image found"):
        list_items(tmp_path)


def test_images_without_any_mask_are_unlabelled(tmp_path: Path) -> None:
    items = list_items(touch(tmp_path, "images/a.tif", "images/b.tif"))
    with pytest.raises(ValueError, match=r"none of the \d+ images, such as .*, has a label; put masks/"):
        labelled(items)
    assert len(items) == 2


def test_group_and_modality_are_found_in_the_name(tmp_path: Path) -> None:
    touch(tmp_path, "phase_w1_0.png", "fluo_w2_1.png")
    items = list_items(tmp_path, group=r"_(w\d)_", modality="^[a-z]+")
    assert [(item["group"], item["modality"]) for item in items] == [("w2", "fluo"), ("w1", "phase")]
    with pytest.raises(ValueError, match=r"fluo_w2_1\.png: the group pattern 'x\+' does not match the name"):
        list_items(tmp_path, group="x+")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["images/a.tif", "images/b.tif", "masks/a.tif"], r"b\.tif: there is no mask of this name"),
        (["images/a.tif", "masks/a.tif", "masks/b.tif"], r"b\.tif: there is no image of this name"),
        (["images/a.tif", "images/a.png", "masks/a.tif"], r"2 files share the name a: .*a\.png.*keep one"),
        (["images/a.tif", "masks/a.tif", "masks/a_mask.png"], r"2 files share the name a"),
        (["readme.txt"], "no image found; put images in images/ beside masks/"),
        (["day/a.oir"], r"no image found; a\.oir is a file of a microscope .* save it as TIFF"),
    ],
    ids=["missing-mask", "missing-image", "double-image", "double-mask", "nothing", "microscope"],
)
def test_what_does_not_pair_is_named(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list_items(touch(tmp_path, *names))


@pytest.mark.parametrize(("name", "error"), [("nowhere", FileNotFoundError), ("a.txt", ValueError)])
def test_source_that_is_no_dataset(tmp_path: Path, name: str, error: type[Exception]) -> None:
    touch(tmp_path, "a.txt")
    with pytest.raises(error, match=name):
        list_items(tmp_path / name)


def test_decathlon_json(tmp_path: Path) -> None:
    touch(tmp_path, "i/a.tif", "i/b.tif", "i/b2.tif", "l/a.tif")
    content = {
        "name": "cells",
        "training": [
            {"image": "i/a.tif", "label": "l/a.tif", "group": "p1", "modality": "phase", "weight": "2"}
        ],
        "test": ["i/b.tif"],
        "stacks": [{"image": ["i/b.tif", "i/b2.tif"]}],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content))
    (item,) = list_items(tmp_path)
    assert item == {
        "name": "a", "image": str(tmp_path / "i/a.tif"), "label": str(tmp_path / "l/a.tif"),
        "group": "p1", "modality": "phase", "weight": 2.0,
    }  # fmt: skip
    assert pairs(list_items(tmp_path / "dataset.json", "test")) == [("b", "b.tif", None)]
    assert list_items(tmp_path, "stacks")[0]["image"] == [
        str(tmp_path / "i/b.tif"),
        str(tmp_path / "i/b2.tif"),
    ]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("{", ValueError, r"dataset\.json: invalid JSON"),
        ("[]", ValueError, r"dataset\.json: a datalist must be an object with sections"),
        ('{"test": []}', ValueError, "no section 'training'; the sections are: test"),
        ('{"training": [{"label": "a.tif"}]}', ValueError, r"training\[0\] has no image"),
        (
            '{"training": [{"image": "a.tif"}]}',
            FileNotFoundError,
            r"a\.tif: there is no such file; .*dataset\.json lists it at training\[0\]",
        ),
    ],
    ids=["syntax", "list", "section", "no-image", "missing-file"],
)
def test_json_that_is_wrong(tmp_path: Path, content: str, error: type[Exception], message: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(error, match=message):
        list_items(tmp_path)


def test_table(tmp_path: Path) -> None:
    touch(tmp_path, "a.tif", "a_m.tif", "b.tif", "c.tif")
    (tmp_path / "cells.csv").write_text(
        "image,label,group,section\na.tif,a_m.tif,7,training\nb.tif,,8,training\nc.tif,,9,test\n"
    )
    items = list_items(tmp_path / "cells.csv")
    assert pairs(items) == [("a", "a.tif", "a_m.tif"), ("b", "b.tif", None)]
    assert [item["group"] for item in items] == ["7", "8"]
    assert pairs(list_items(tmp_path / "cells.csv", "test")) == [("c", "c.tif", None)]
    (tmp_path / "wrong.csv").write_text("image\na.tif\nnowhere.tif\n")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.tif: .*wrong\.csv lists it at line 3"):
        list_items(tmp_path / "wrong.csv")


def test_datasets_share_the_draws_by_weight() -> None:
    big, small = [{"image": str(i)} for i in range(8)], [{"image": "x"}]
    items = combine_datasets([big, small], [3, 1])
    assert sum(item["weight"] for item in items[:8]) == pytest.approx(0.75)
    assert items[8]["weight"] == pytest.approx(0.25)
    assert "weight" not in big[0]


@pytest.mark.parametrize(
    ("datasets", "weights", "message"),
    [
        ([[{"image": "a"}]], [1, 2], "got 1 datasets but 2 weights"),
        ([[{"image": "a"}], []], [1, 1], "dataset 1 is empty"),
        ([[{"image": "a"}]], [-1], "must not be negative"),
        ([[{"image": "a"}]], [0], "not all be zero"),
    ],
    ids=["count", "empty", "negative", "zero"],
)
def test_weights_that_are_wrong(datasets: list, weights: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        combine_datasets(datasets, weights)


def test_real_images_are_paired(real_images: Path) -> None:
    assert len(list_items(real_images / "large_nuclei")) == 5
    assert {item["modality"] for item in list_items(real_images / "tissue", modality="^[a-z]+")} == {
        "histology"
    }


def test_real_sets_are_paired(real_data: Path) -> None:
    assert len(list_items(real_data / "shift/dataset1")) == 37
    items = list_items(real_data / "multimodal/train", modality="^[a-z]+")
    assert {item["modality"] for item in items} == {"cytology", "dic", "fluo", "histology", "phase"}
    assert len(list_items(real_data / "multimodal/unlabelled")) == 26


@pytest.mark.parametrize(
    ("listing", "images", "root"),
    [
        ("set/dataset.json", ["images/a.tif", "images/b.tif"], "set"),
        ("lists/some.json", ["../set/one/a.tif", "../set/two/b.tif"], "set"),
        ("lists/some.json", ["../set/one/a.tif"], "set/one"),
        ("lists/some.json", ["../set/one/a.tif", "b.tif"], "."),
    ],
)
def test_results_lie_as_the_images_do(tmp_path: Path, listing: str, images: list[str], root: str) -> None:
    file = tmp_path / listing
    touch(file.parent, *images)
    file.write_text(json.dumps({"training": [{"image": image} for image in images]}))
    assert root_of(file) == tmp_path / root


def test_a_folder_is_its_own_root_and_one_with_a_list_that_of_its_images(tmp_path: Path) -> None:
    assert root_of(tmp_path / "absent") == tmp_path / "absent"
    touch(tmp_path, "set/images/a.tif")
    assert root_of(tmp_path / "set") == tmp_path / "set"
    (tmp_path / "set/dataset.json").write_text(json.dumps({"training": ["../elsewhere/a.tif"]}))
    touch(tmp_path, "elsewhere/a.tif")
    assert root_of(tmp_path / "set") == tmp_path / "elsewhere"
