"""Content of a report; its look and behaviour in a browser are tested in test_report_in_browser.py."""

import re
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from monai.handlers.utils import write_metrics_reports
from PIL import Image
from torch.utils.tensorboard import SummaryWriter

from cellseg_monai.colours import class_colours
from cellseg_monai.jobs import evaluate, report
from cellseg_monai.jobs.reporting.comparison import against_first
from cellseg_monai.jobs.reporting.pictures import ranked
from cellseg_monai.jobs.reporting.run_folder import read_runs
from tests.jobs.conftest import Save, discs


def headings(text: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", text)


def scores(folder: Path, name: str, dice: list[float], first: int = 0) -> Path:
    run = folder / name
    run.mkdir(parents=True)
    pd.DataFrame({"image": [f"i{first + n}" for n in range(len(dice))], "dice": dice}).to_csv(
        run / "scores.csv", index=False
    )
    return run


def test_every_evaluation_has_one(save: Save) -> None:
    cells = discs(40, [(10, 10), (30, 30)], 6)
    folder = save({"pred/a.tif": cells, "truth/a.tif": cells, "truth/b<i>.tif": cells})
    evaluate(folder / "pred", folder / "truth", folder / "out")
    text = (folder / "out/report.html").read_text()
    assert headings(text) == [
        "At a glance",
        "Distribution",
        "Worst, median and best by f1@0.5",
        "All images",
        "Provenance",
    ]
    assert "1 image without a prediction" in text
    assert "b&lt;i&gt;" in text
    assert "b<i>" not in text
    assert "no prediction; 2 missed" in text
    assert "http" not in text.replace("http-equiv", "")


def test_classes_have_their_names_and_no_split_or_merged(save: Save) -> None:
    truth = np.zeros((40, 40), np.uint8)
    truth[:20], truth[20:, :10] = 128, 255
    found = np.zeros((40, 40), np.uint8)
    found[:20], found[20:, :10] = 1, 1
    folder = save({"pred/a.tif": found, "truth/a.tif": truth})
    classes = {"0": 0, "128": 1, "255": 2}
    evaluate(folder / "pred", folder / "truth", folder / "out", classes=classes)
    text = (folder / "out/report.html").read_text()
    assert "By class" in headings(text)
    rows = re.findall(r'<th scope="row">([^<]+)</th><td[^>]*>([^<]+)', text)
    assert ("class 1 (value 128)", "0.800") in [(name, iou[:5]) for name, iou in rows]
    assert ("class 2 (value 255)", "0.000") in [(name, iou[:5]) for name, iou in rows]
    assert "Merged" not in text
    assert "Each class has its colour" in text


def test_worst_median_and_best_stand_side_by_side(save: Save) -> None:
    cells = discs(40, [(10, 10), (30, 30)], 6)
    images = {f"{part}/{name}.tif": cells for part in ("pred", "truth") for name in "abc"}
    folder = save(images)
    evaluate(folder / "pred", folder / "truth", folder / "out")
    text = (folder / "out/report.html").read_text()
    ranks = text[text.index('<div class="ranks">') :]
    titles = re.findall(r'<div><h3>(\w+)</h3><div class="pictures"><figure', ranks)
    assert titles == ["Worst", "Median", "Best"]


def test_pictures_of_files_that_are_gone_are_named(save: Save) -> None:
    folder = save({"pred/a.tif": [[1]], "truth/a.tif": [[1]]})
    evaluate(folder / "pred", folder / "truth", folder / "out")
    (folder / "truth/a.tif").unlink()
    text = report([folder / "out"], folder / "again.html").read_text()
    assert "could not be drawn" in text
    assert "truth/a.tif: there is no such file" in text


def layers(text: str) -> dict[str, Image.Image]:
    """Layers of the first picture."""
    stack = text.split('<div class="stack">')[1].split("</div>")[0]
    found = re.findall(r'data-layer="(\w+)" src="data:image/png;base64,([^"]*)"', stack)
    return {key: Image.open(BytesIO(b64decode(content))).convert("RGBA") for key, content in found}


def test_classes_have_their_colours_and_names(save: Save) -> None:
    truth = np.zeros((70, 70), int)
    truth[:, 20:40], truth[:, 40:] = 128, 255
    pred = np.searchsorted([0, 128, 255], truth)
    pred[:7] = 0
    folder = save({"pred/a.tif": pred, "truth/a.png": truth})
    classes = {"0": 0, "128": 1, "255": 2}
    evaluate(folder / "pred", folder / "truth", folder / "out", classes=classes)
    text = (folder / "out/report.html").read_text()
    assert "class 1 (value 128)</span>" in text
    assert "7.1% of the pixels have a wrong class" in text
    found = layers(text)
    assert list(found) == ["truthclasses", "predclasses", "wrong"]
    for number, x in {1: 300, 2: 600}.items():
        *colour, opacity = found["truthclasses"].getpixel((x, 300))
        assert colour == class_colours([number])[0].tolist()
        assert 0 < opacity < 255
    assert found["truthclasses"].getpixel((100, 300))[3] == 0
    assert [found["wrong"].getpixel((300, y))[3] for y in (30, 100)] == [255, 0]
    bundle = Path(__file__).resolve().parents[2] / "bundles/patch_attention_unet"
    evaluate(folder / "pred", folder / "truth", folder / "named", classes=classes, bundle=bundle)
    named = (folder / "named/report.html").read_text()
    assert ">cell</span>" in named  # the name of class 1 in this bundle
    assert "class 2 (value 255)</span>" in named


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (1, {"Worst": ["0"]}),
        (2, {"Worst": ["0"], "Best": ["1"]}),
        (3, {"Worst": ["0"], "Median": ["1"], "Best": ["2"]}),
        (9, {"Worst": ["0", "1", "2"], "Median": ["3", "4", "5"], "Best": ["8", "7", "6"]}),
        (21, {"Worst": ["0", "1", "2"], "Median": ["9", "10", "11"], "Best": ["20", "19", "18"]}),
    ],
)
def test_worst_median_and_best(count: int, expected: dict[str, list[str]]) -> None:
    table = pd.DataFrame({"image": [str(n) for n in range(count)], "dice": np.arange(count) / count})
    table.loc[count] = ["unscored", np.nan]
    assert {title: rows.image.tolist() for title, rows in ranked(table, "dice", 3).items()} == expected


def test_training_curves_and_tables_of_a_bundle(tmp_path: Path) -> None:
    with SummaryWriter(str(tmp_path)) as writer:
        for step in range(400):
            writer.add_scalar("train_loss", 1 / (1 + step), step)
        for epoch in range(5):
            writer.add_scalar("val_mean_dice", epoch / 5, epoch)
    with SummaryWriter(str(tmp_path), filename_suffix=".resumed") as writer:
        writer.add_scalar("val_mean_dice", 0.9, 5)
    write_metrics_reports(
        str(tmp_path), ["data/a.tif", "data/b.ome.tif"], {"val_mean_dice": 0.5},
        {"val_mean_dice": np.array([[0.25], [0.75]]), "val_f1": np.array([[0.5], [1.0]])}, summary_ops="*",
    )  # fmt: skip
    (run,) = read_runs([tmp_path])
    assert run.curves["val_mean_dice"][-1] == (5, pytest.approx(0.9))
    assert run.table.to_dict("list") == {
        "image": ["a", "b"],
        "val_f1": [0.5, 1],
        "val_mean_dice": [0.25, 0.75],
    }
    text = report([tmp_path], tmp_path / "report.html").read_text()
    assert "Training" in headings(text)
    assert "val_mean_dice ends at 0.900" in text
    assert "Worst, median and best by val_f1" in headings(text)


def test_learning_curves(tmp_path: Path) -> None:
    lines = ["images,score,model", "5,0.5,A", "5,0.7,A", "10,0.8,A", "5,0.4,B"]
    (tmp_path / "learning_curve.csv").write_text("\n".join(lines))
    text = report([tmp_path], tmp_path / "report.html").read_text()
    assert "A ends at 0.800; B ends at 0.400" in text
    assert re.search(r"<td class=num>5</td><td class=num>2</td><td class=num>0\.600</td>", text)
    (tmp_path / "learning_curve.csv").write_text("size,score\n5,0.5\n")
    with pytest.raises(ValueError, match="the column 'images' is missing"):
        report([tmp_path], tmp_path / "report.html")


def test_attention_maps(tmp_path: Path) -> None:
    (tmp_path / "attention/a").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "attention/a/decoder.0.gate.tif", np.eye(8, dtype=np.float32))
    text = report([tmp_path], tmp_path / "report.html").read_text()
    assert 'alt="Attention of gate decoder.0.gate in a"' in text


def test_comparison(tmp_path: Path) -> None:
    first = scores(tmp_path, "one", [0.8, 0.7, 0.6, 0.8, 0.7, 0.6])
    other = scores(tmp_path, "two", [0.9, 0.8, 0.7, 0.9, 0.8, 0.7])
    ((name, result),) = against_first(read_runs([first, other]), "dice").items()
    assert (name, result.images) == ("two", 6)
    assert (result.difference.value, result.p_value) == pytest.approx((0.1, 2 / 64))
    text = report([first, other], tmp_path / "report.html").read_text()
    assert "Comparison" in headings(text)
    assert "0.0312" in text
    assert "0.800 [" in text


def test_comparison_pairs_by_image_and_warns_without_common_images(tmp_path: Path) -> None:
    first, shifted = (
        scores(tmp_path, "one", [0.1, 0.2, 0.3]),
        scores(tmp_path, "two", [0.2, 0.3, 0.4], first=1),
    )
    ((_, result),) = against_first(read_runs([first, shifted]), "dice").items()
    assert (result.images, result.difference.value) == (2, 0)
    apart = scores(tmp_path, "three", [0.5], first=9)
    assert "share no image" in report([first, apart], tmp_path / "report.html").read_text()


def test_runs_with_the_same_name_get_the_folder_above(tmp_path: Path) -> None:
    runs = [scores(tmp_path, f"{model}/out", [0.5]) for model in ("a", "b")]
    assert [run.name for run in read_runs(runs)] == ["a/out", "b/out"]


def test_bundle_is_described(tmp_path: Path) -> None:
    run = scores(tmp_path, "run", [0.5])
    (tmp_path / "bundle/configs").mkdir(parents=True)
    (tmp_path / "bundle/configs/metadata.json").write_text('{"name": "Mine & yours"}')
    text = report([run], tmp_path / "report.html", bundle=tmp_path / "bundle").read_text()
    assert "<dt>bundle name</dt><dd>Mine &amp; yours</dd>" in text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda folder: [], ValueError, "at least one folder"),
        (lambda folder: [folder / "nowhere"], FileNotFoundError, "nowhere: there is no such folder"),
        (lambda folder: [folder], ValueError, "nothing to report; expected scores.csv"),
    ],
    ids=["none", "no folder", "empty folder"],
)
def test_nothing_to_report(tmp_path: Path, make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        report(make(tmp_path), tmp_path / "report.html")
