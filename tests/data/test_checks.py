"""Every bad input is planted in a dataset and must be found: file, value, remedy."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from cellseg_monai.data import CheckReport, Finding, Reading, check_dataset, render_table
from cellseg_monai.data.checks.finding import REMEDIES

REPOSITORY = Path(__file__).resolve().parents[2]
NOISE = np.random.default_rng(0)


def image(size: tuple[int, int] = (64, 96)) -> np.ndarray:
    return NOISE.integers(100, 4000, size, dtype=np.uint16)


def cells(size: tuple[int, int] = (64, 96)) -> np.ndarray:
    labels = np.zeros(size, np.uint16)
    labels[5:20, 5:20], labels[5:20, 20:35], labels[40:60, 40:70] = 1, 2, 3
    return labels


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Three faultless pairs."""
    for name in "abc":
        write(tmp_path / f"images/{name}.tif", image())
        write(tmp_path / f"masks/{name}.tif", cells())
    return tmp_path


def write(path: Path, pixels: np.ndarray, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tif":
        tifffile.imwrite(path, pixels, **options)
    else:
        Image.fromarray(pixels).save(path)
    return path


def found(report: CheckReport, check: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.check == check]


def the_one(report: CheckReport, check: str, severity: str) -> str:
    (finding,) = found(report, check)
    assert finding.severity.value == severity
    assert report.failed is (severity == "error")
    return str(finding)


def test_faultless_dataset_has_no_findings(dataset: Path) -> None:
    report = check_dataset(dataset)
    assert report.findings == []
    summary = report.summary()
    assert summary["images"] == summary["labelled"] == 3
    assert summary["objects"] == 9
    assert summary["width"] == [96, 96]
    assert summary["foreground"] == pytest.approx([1050 / 6144] * 2)


def test_missing_mask_and_image(dataset: Path) -> None:
    (dataset / "masks/a.tif").unlink()
    (dataset / "images/b.tif").unlink()
    report = check_dataset(dataset)
    assert "a.tif: there is no mask of this name; add the mask, or move unlabelled" in the_one(
        report, "missing mask", "error"
    )
    assert "b.tif: there is no image of this name; add the image or remove" in the_one(
        report, "missing image", "error"
    )
    assert [fact.name for fact in report.images] == ["a", "c"]


def test_double_pair(dataset: Path) -> None:
    write(dataset / "images/a.png", np.zeros((4, 4), np.uint8))
    message = the_one(check_dataset(dataset), "double pair", "error")
    assert "2 files share the name a: a.png, a.tif; keep one of them" in message


def test_size_mismatch_names_both_sizes(dataset: Path) -> None:
    write(dataset / "masks/a.tif", cells((96, 96)))
    message = the_one(check_dataset(dataset), "size mismatch", "error")
    assert "a.tif: it is 96×64 pixels (width × height), but " in message
    assert "masks/a.tif is 96×96; export both at the same size" in message


def test_binary_mask_of_255(dataset: Path) -> None:
    write(dataset / "masks/a.png", (cells() > 0).astype(np.uint8) * 255)
    (dataset / "masks/a.tif").unlink()
    message = the_one(check_dataset(dataset), "binary mask", "warning")
    assert "a.png: its only value is 255, in 2 pieces; this is fine for structures without" in message


def test_indexed_colour_mask(dataset: Path) -> None:
    indexed = Image.fromarray(cells().astype(np.uint8), mode="P")
    indexed.putpalette([0, 0, 0, 200, 10, 10] + [7] * 762)
    indexed.save(dataset / "masks/a.png")
    (dataset / "masks/a.tif").unlink()
    message = the_one(check_dataset(dataset), "indexed colours", "note")
    assert "a.png: it is a PNG with a palette, whose indices are the ids" in message


@pytest.mark.parametrize("maximum", [255, 3], ids=["binary", "ids"])
def test_mask_resized_with_interpolation(dataset: Path, maximum: int) -> None:
    smooth = ndimage.zoom((cells() > 0) * 255.0 if maximum == 255 else cells() * 40.0, 4, order=1)
    write(dataset / "masks/a.tif", smooth.round().astype(np.uint8))
    write(dataset / "images/a.tif", image(smooth.shape))
    message = the_one(check_dataset(dataset), "interpolated mask", "error")
    assert "of the border pixels have a value between those on both sides; resize masks with" in message


def test_mask_of_fractions(dataset: Path) -> None:
    write(dataset / "masks/a.tif", cells() * np.float32(0.5))
    message = the_one(check_dataset(dataset), "unreadable", "error")
    assert "a.tif: the value 0.5 is not an object id: the mask was interpolated" in message


def test_lossy_mask(dataset: Path) -> None:
    write(dataset / "masks/a.jpg", cells().astype(np.uint8))
    (dataset / "masks/a.tif").unlink()
    message = the_one(check_dataset(dataset), "lossy mask", "error")
    assert "a.jpg: JPEG changes the values of a mask; save masks as PNG or TIFF" in message


@pytest.mark.parametrize("value", [0, 7])
def test_blank_image(dataset: Path, value: int) -> None:
    write(dataset / "images/a.tif", np.full((64, 96), value, np.uint16))
    message = the_one(check_dataset(dataset), "blank image", "error")
    assert f"a.tif: every pixel has the value {value}; remove the image" in message


@pytest.mark.parametrize(("value", "check"), [(0, "blank mask"), (1, "full mask")])
def test_blank_and_full_mask(dataset: Path, value: int, check: str) -> None:
    write(dataset / "masks/a.tif", np.full((64, 96), value, np.uint8))
    assert "a.tif: it has no " in the_one(check_dataset(dataset), check, "warning")


def test_object_in_pieces(dataset: Path) -> None:
    labels = cells()
    labels[2, 90] = 3
    write(dataset / "masks/a.tif", labels)
    message = the_one(check_dataset(dataset), "objects in pieces", "warning")
    assert "a.tif: 1 of 3 objects have several pieces (ids 3); if the pieces are separate cells" in message


def test_specks(dataset: Path) -> None:
    labels = cells()
    labels[2, 90] = 4
    write(dataset / "masks/a.tif", labels)
    assert "1 of 4 objects are smaller than 10 pixels" in the_one(check_dataset(dataset), "specks", "note")


def test_duplicate_within_and_leak_between_sections(dataset: Path) -> None:
    twin = tifffile.imread(dataset / "images/a.tif")
    for section, name in (("train", "x"), ("train", "y"), ("test", "z")):
        write(dataset / f"sets/{section}/images/{name}.tif", twin, compression="zlib")
        write(dataset / f"sets/{section}/masks/{name}.tif", cells())
    report = check_dataset(dataset / "sets")
    assert {fact.section for fact in report.images} == {"train", "test"}
    messages = [str(finding) for finding in report.findings]
    assert len(found(report, "leakage")) == 2
    assert any("train overlaps test; keep copies, and images of one group" in text for text in messages)
    write(dataset / "images/d.tif", twin, tile=(16, 16))
    write(dataset / "masks/d.tif", cells())
    message = the_one(check_dataset(dataset), "duplicate", "warning")
    assert "d.tif: its pixels equal those of" in message


def test_group_in_two_sections(dataset: Path) -> None:
    entries = {name: {"image": f"images/{name}.tif", "group": "p1"} for name in "ab"}
    (dataset / "dataset.json").write_text(json.dumps({"training": [entries["a"]], "test": [entries["b"]]}))
    message = the_one(check_dataset(dataset), "leakage", "error")
    assert "group p1: it is in test and training; keep copies, and images of one group" in message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(dataset: Path, value: float) -> None:
    pixels = image().astype(np.float32)
    pixels[3, 4:7] = value
    write(dataset / "images/a.tif", pixels)
    message = the_one(check_dataset(dataset), "not finite", "error")
    assert "a.tif: 3 pixels are NaN or infinite; replace them" in message


@pytest.mark.parametrize("limit", [255, 4095, 65_535])
def test_saturated_image(dataset: Path, limit: int) -> None:
    pixels = np.minimum(image(), limit - 1)
    pixels[:8] = limit
    write(dataset / "images/a.tif", pixels)
    message = the_one(check_dataset(dataset), "saturated", "warning")
    assert f"a.tif: 12.5% of the pixels are at the limit {limit}; lower the exposure" in message


def test_nearly_constant_image(dataset: Path) -> None:
    write(dataset / "images/a.tif", 100 + image() % 3)
    message = the_one(check_dataset(dataset), "nearly constant", "warning")
    assert "a.tif: 99.8 % of the pixels are between 100 and 102; check the exposure" in message


def test_class_map_is_recognised(dataset: Path) -> None:
    for name in "abc":
        write(dataset / f"masks/{name}.tif", np.array([0, 128, 255], np.uint8)[np.minimum(cells(), 2)])
    message = the_one(check_dataset(dataset), "class map", "note")
    assert "3 masks: they share the values 128, 255, which look like classes, not" in message


def test_mixtures_are_noted(dataset: Path) -> None:
    write(dataset / "images/a.tif", NOISE.integers(0, 250, (64, 96, 3), "uint8"), photometric="rgb")
    report = check_dataset(dataset)
    assert "different numbers of channels: 3 (1), 1 (2)" in the_one(report, "mixed channels", "note")
    assert "different data types: uint8 (1), uint16 (2)" in the_one(report, "mixed dtype", "note")


def test_one_unreadable_file_never_hides_the_others(dataset: Path) -> None:
    (dataset / "images/a.tif").write_bytes(b"nothing")
    (dataset / "masks/b.tif").write_bytes(b"nothing")
    write(dataset / "masks/c.tif", np.zeros((64, 96), np.uint8))
    report = check_dataset(dataset)
    assert [Path(finding.file).name for finding in found(report, "unreadable")] == ["a.tif", "b.tif"]
    assert len(found(report, "blank mask")) == 1


def test_missing_files_of_a_list_are_found_one_by_one(dataset: Path) -> None:
    listing = {"training": [{"image": f"images/{name}.tif"} for name in "axyb"]}
    (dataset / "dataset.json").write_text(json.dumps(listing))
    report = check_dataset(dataset)
    assert [Path(finding.file).name for finding in found(report, "datalist")] == ["x.tif", "y.tif"]
    assert [fact.name for fact in report.images] == ["a", "b"]


def test_every_channel_file_of_an_image_is_read(dataset: Path) -> None:
    (dataset / "images/broken.tif").write_bytes(b"nothing")
    write(dataset / "images/small.tif", image((32, 48)))
    files = [f"images/{name}.tif" for name in ("a", "broken", "small")]
    (dataset / "dataset.json").write_text(json.dumps({"training": [{"image": files}]}))
    report = check_dataset(dataset)
    assert [Path(finding.file).name for finding in found(report, "unreadable")] == ["broken.tif"]
    (mismatch,) = found(report, "size mismatch")
    assert "small.tif: it is 48×32 pixels (width × height)" in str(mismatch)


def test_empty_folder(tmp_path: Path) -> None:
    message = the_one(check_dataset(tmp_path), "no images", "error")
    assert "it has no readable image; put images in images/ beside masks/" in message


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere: there is no such folder or file"):
        check_dataset(tmp_path / "nowhere")


def test_json_holds_every_finding(dataset: Path) -> None:
    write(dataset / "images/a.tif", np.zeros((64, 96), np.uint8))
    content = json.loads(check_dataset(dataset).to_json())
    assert content["failed"] is True
    assert {finding["check"] for finding in content["findings"]} == {"blank image", "mixed dtype"}
    assert content["images"][0]["dtype"] == "uint8"


def test_table_puts_errors_first_and_counts_the_rest(dataset: Path) -> None:
    for name in "abc":
        write(dataset / f"masks/{name}.tif", np.zeros((64, 96), np.uint8))
    write(dataset / "images/a.tif", np.zeros((64, 96), np.uint16))
    lines = render_table(check_dataset(dataset)).splitlines()
    assert lines[0].endswith("3 images, 1 error, 3 warnings, 0 notes")
    headings = [line for line in lines if line.startswith(("ERROR", "WARNING"))]
    assert headings == [
        "ERROR blank image (1): remove the image",
        "WARNING blank mask (3): keep it only if the image shows no objects",
    ]


def test_every_finding_stands_in_the_table_of_the_documentation() -> None:
    table = (REPOSITORY / "docs/reference/findings.md").read_text()
    documented = dict(re.findall(r"^\| ([a-z ]+?) \| (error|warning|note) \|", table, re.MULTILINE))
    elsewhere = dict.fromkeys(("missing mask", "missing image", "double pair"), "error")
    raised = {check: severity.value for severity, checks in REMEDIES.items() for check in checks}
    assert len(raised) > 20
    assert documented == raised | elsewhere


def test_every_check_has_a_remedy() -> None:
    sources = (REPOSITORY / "cellseg_monai/data/checks").glob("*.py")
    used = {check for file in sources for check in re.findall(r'\bfound\("([a-z ]+)"', file.read_text())}
    listed = {check for checks in REMEDIES.values() for check in checks}
    assert used | {"mixed channels", "mixed dtype", "mixed pixel size"} == listed


def test_real_images_pass(real_images: Path) -> None:
    assert not check_dataset(real_images / "nuclei").failed


def test_real_sets_pass_and_their_known_quirks_are_found(real_data: Path) -> None:
    assert not check_dataset(real_data / "tasks/nuclei").failed
    blood = check_dataset(real_data / "multiclass/white_blood_cells")
    (twin,) = found(blood, "duplicate")
    assert "139.bmp" in twin.file
    assert "112.bmp" in twin.message
    assert len(found(check_dataset(real_data / "tasks/phase/test"), "objects in pieces")) == 10


@pytest.mark.parametrize(
    ("axes", "labelled", "reading", "severity", "words"),
    [
        (
            "ZYX",
            True,
            None,
            "error",
            "it has 4 planes, but networks learn from single planes; choose one with --z",
        ),
        ("TYX", True, None, "error", "it has 4 frames, but networks learn .* choose one with --frame"),
        ("ZYX", False, None, "note", "it has 4 planes; cellseg predict will link cells across z"),
        ("TYX", False, None, "note", "it has 4 frames; cellseg predict will segment each"),
        ("ZYX", True, Reading(z=2), None, ""),
        ("TYX", True, Reading(frame=2), None, ""),
    ],
)
def test_stacks_and_movies_are_told(
    axes: str, labelled: bool, reading: Reading | None, severity: str | None, words: str, tmp_path: Path
) -> None:
    write(tmp_path / "images/a.tif", np.stack([image()] * 4), imagej=True, metadata={"axes": axes})
    if labelled:
        write(tmp_path / "masks/a.tif", cells())
    report = check_dataset(tmp_path, reading=reading)
    found = [finding for finding in report.findings if finding.check == "stack"]
    assert [finding.severity.value for finding in found] == ([] if severity is None else [severity])
    assert report.failed == (severity == "error")
    assert all(re.search(words, str(finding)) for finding in found)
