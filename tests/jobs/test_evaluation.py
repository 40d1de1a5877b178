import hashlib
import json
import math
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.jobs import evaluate
from cellseg_monai.jobs.scores.columns import columns_of
from cellseg_monai.metrics import aggregated_jaccard, instance_counts, instance_scores, neurips_f1
from tests.jobs.conftest import Save, discs

# Two true cells of 4 and 2 pixels. One prediction has 3 of the first (IoU 3/4), another lies elsewhere.
TRUTH = [[1, 1, 0, 2], [1, 1, 0, 2], [0, 0, 0, 0]]
PRED = [[7, 7, 0, 0], [7, 0, 0, 0], [0, 0, 9, 0]]
EXPECTED = {
    "dice": 2 * 3 / (4 + 6), "iou": 3 / 7, "pixel_precision": 3 / 4, "pixel_recall": 3 / 6,
    "accuracy": 8 / 12, "f1": 0.5, "f1@0.5": 0.5, "f1@0.8": 0.0, "precision@0.75": 0.5, "recall@0.5": 0.5,
    "ap": 1 / 3, "sq": 0.75, "pq": 0.375, "pq@0.8": 0.0, "aji": 3 / (4 + 2 + 1), "aji+": 3 / (4 + 2 + 1),
    "map": 6 / 10 / 3, "seg": 0.75 / 2, "n_true": 2, "n_pred": 2, "split": 0, "merged": 0, "invented": 1,
    "missed": 1,
}  # fmt: skip


def run(folder: Path, *metrics: str, **options: object) -> pd.DataFrame:
    more = {"metrics": metrics} if metrics else {}
    evaluate(folder / "pred", folder / "truth", folder / "out", **more, **options)  # type: ignore[arg-type]
    return pd.read_csv(folder / "out/scores.csv").set_index("image")


def summary(folder: Path) -> dict:
    return json.loads((folder / "out/summary.json").read_text())


def test_a_case_worked_by_hand(save: Save) -> None:
    row = run(save({"pred/a.tif": PRED, "truth/a.tif": TRUTH}), *EXPECTED).loc["a"]
    assert {name: row[name] for name in EXPECTED} == pytest.approx(EXPECTED, abs=1e-6)


def test_a_stack_of_equal_planes_has_the_scores_of_one(tmp_path: Path) -> None:
    for name, plane in {"pred/a.tif": PRED, "truth/masks/a.tif": TRUTH, "truth/images/a.tif": TRUTH}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        stack = np.array([plane, plane, plane], np.uint16)
        stack[1, 2, 0] = 1 if name.startswith("truth/images") else 0
        tifffile.imwrite(tmp_path / name, stack, metadata={"axes": "ZYX"})
    row = run(tmp_path, *EXPECTED).loc["a"]
    assert row[list(EXPECTED)].to_dict() == pytest.approx(EXPECTED, abs=1e-5)
    assert "a, plane 0" in (tmp_path / "out/report.html").read_text()


def test_a_stack_of_other_depth_is_rejected(tmp_path: Path) -> None:
    for name, depth in (("pred", 2), ("truth", 3)):
        (tmp_path / name).mkdir()
        stack = np.array([TRUTH] * depth, np.uint16)
        tifffile.imwrite(tmp_path / name / "a.tif", stack, metadata={"axes": "ZYX"})
    with pytest.raises(ValueError, match=r"a.tif is 2 × 3 × 4 and .*a.tif is 3 × 3 × 4 pixels"):
        run(tmp_path)


def test_default_columns(save: Save) -> None:
    folder = save({"pred/a.tif": PRED, "truth/a.tif": TRUTH})
    assert list(run(folder).columns) == [
        "dice", "iou", "f1@0.5", "precision@0.5", "recall@0.5", "pq", "aji", "map", "boundary_f1",
        "n_true", "n_pred", "split", "merged", "modality", "missing",
    ]  # fmt: skip
    assert sorted(path.name for path in (folder / "out").glob("[!.]*")) == [
        "files.csv", "report.html", "run.json", "scores.csv", "summary.json",
    ]  # fmt: skip


def test_metrics_choose_the_columns(save: Save) -> None:
    folder = save({"pred/a.tif": PRED, "truth/a.tif": TRUTH})
    assert list(run(folder, "pq", "hausdorff95").columns) == ["pq", "hausdorff95", "modality", "missing"]
    assert list(summary(folder)["scores"]) == ["pq", "hausdorff95"]


def test_distance_to_nothing_is_infinite_and_has_no_mean(save: Save) -> None:
    empty = np.zeros_like(TRUTH)
    folder = save({"pred/a.tif": empty, "pred/b.tif": TRUTH, "truth/a.tif": TRUTH, "truth/b.tif": TRUTH})
    assert run(folder, "hausdorff95").hausdorff95.tolist() == [math.inf, 0]
    assert summary(folder)["scores"]["hausdorff95"]["left_out"] == 1


def test_agrees_with_the_metrics_on_many_cells(save: Save) -> None:
    truth = discs(200, [(row, column) for row in range(15, 200, 20) for column in range(15, 200, 20)], 8)
    pred = np.roll(truth, 3, axis=1)
    row = run(save({"pred/a.tif": pred, "truth/a.tif": truth}), "f1@0.6", "aji", "neurips_f1").loc["a"]
    assert row["f1@0.6"] == pytest.approx(instance_scores(instance_counts(pred, truth, 0.6)).f1[0])
    assert row.aji == pytest.approx(aggregated_jaccard(pred, truth), abs=1e-5)
    assert row.neurips_f1 == pytest.approx(neurips_f1(pred, truth), abs=1e-5)


class TestMissing:
    def test_counts_as_empty_and_is_listed(self, save: Save, caplog: pytest.LogCaptureFixture) -> None:
        folder = save({"pred/a.tif": TRUTH, "truth/a.tif": TRUTH, "truth/b.tif": TRUTH})
        scores = run(folder)
        assert scores.loc["b", ["dice", "f1@0.5", "pq", "aji", "n_pred"]].tolist() == [0, 0, 0, 0, 0]
        assert scores.missing.tolist() == [False, True]
        assert summary(folder)["missing"] == ["b"]
        assert summary(folder)["scores"]["dice"]["mean"]["value"] == 0.5
        assert "1 image without prediction, counted as empty: b" in caplog.text

    def test_predictions_without_truth_are_listed(self, save: Save, caplog: pytest.LogCaptureFixture) -> None:
        folder = save({"pred/a.tif": TRUTH, "pred/z.tif": TRUTH, "truth/a.tif": TRUTH})
        assert len(run(folder)) == 1
        assert summary(folder)["without_truth"] == [str(folder / "pred/z.tif")]
        assert "z.tif" in caplog.text


def test_a_different_shape_names_both_files_and_writes_nothing(save: Save) -> None:
    folder = save({"pred/a.tif": np.zeros((4, 6)), "truth/a.png": np.ones((4, 7))})
    with pytest.raises(ValueError, match=r"pred/a\.tif is 4 × 6 and .*truth/a\.png is 4 × 7 pixels"):
        run(folder)
    assert not (folder / "out").exists()


def test_a_broken_file_is_named(save: Save) -> None:
    folder = save({"truth/a.tif": TRUTH})
    (folder / "pred").mkdir()
    (folder / "pred/a.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"pred/a\.png: cannot be read"):
        run(folder)


class TestBinaryMasks:
    pieces = np.array([[255, 255, 0, 255], [255, 255, 0, 255], [0, 0, 0, 0]])

    def test_objects_are_not_scored(self, save: Save, caplog: pytest.LogCaptureFixture) -> None:
        folder = save({"pred/a.tif": PRED, "truth/a.png": self.pieces})
        row = run(folder).loc["a"]
        assert row.dice == pytest.approx(0.6)
        assert row[["f1@0.5", "pq", "aji", "boundary_f1", "n_true", "split"]].isna().all()
        assert row.n_pred == 2
        assert summary(folder)["binary_truth"] == ["a"]
        assert summary(folder)["scores"]["pq"] is None
        assert "1 true and 0 predicted masks are binary" in caplog.text

    def test_nor_where_the_prediction_is_binary(self, save: Save) -> None:
        folder = save({"pred/a.png": self.pieces, "truth/a.tif": TRUTH})
        row = run(folder).loc["a"]
        assert (row.dice, row.n_true) == (1, 2)
        assert row[["f1@0.5", "n_pred"]].isna().all()
        assert summary(folder)["binary_predictions"] == ["a"]

    def test_unless_pieces_are_the_objects(self, save: Save) -> None:
        folder = save({"pred/a.tif": PRED, "truth/a.png": self.pieces})
        row = run(folder, *EXPECTED, pieces=True).loc["a"]
        assert {name: row[name] for name in EXPECTED} == pytest.approx(EXPECTED, abs=1e-6)
        assert summary(folder)["binary_truth"] == []

    def test_decided_for_each_modality(self, save: Save) -> None:
        folder = save({
            "pred/dic_1.tif": TRUTH, "pred/dic_2.tif": TRUTH, "pred/phase_1.tif": TRUTH,
            "truth/dic_1.tif": np.minimum(TRUTH, 1), "truth/dic_2.tif": [[1, 1, 0, 0]] * 3,
            "truth/phase_1.tif": TRUTH,
        })  # fmt: skip
        assert run(folder, "f1", modality="[a-z]+")["f1"].isna().tolist() == [True, True, False]


class TestModality:
    def test_mean_and_median(self, save: Save) -> None:
        maps = {f"truth/phase_{n}.tif": TRUTH for n in range(3)} | {"truth/dic_0.tif": TRUTH}
        folder = save(maps | {"pred/phase_0.tif": TRUTH, "pred/phase_1.tif": PRED})
        run(folder, "dice", "n_true", modality="[a-z]+")
        table = pd.read_csv(folder / "out/modality.csv").set_index("modality")
        assert table.loc["phase", ["images", "dice_mean", "dice_median"]].tolist() == pytest.approx(
            [3, 1.6 / 3, 0.6], abs=1e-6
        )
        assert table.loc["all", ["images", "dice_mean", "dice_median"]].tolist() == pytest.approx(
            [4, 0.4, 0.3]
        )
        assert [row["modality"] for row in summary(folder)["by_modality"]] == ["dic", "phase", "all"]

    def test_no_table_without_modalities(self, save: Save) -> None:
        folder = save({"pred/x1.tif": TRUTH, "truth/x1.tif": TRUTH})
        run(folder, modality="x")
        assert (folder / "out/modality.csv").is_file()
        run(folder)
        assert not (folder / "out/modality.csv").exists()


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        (["dize"], "'dize' is not a metric; choose from dice, iou"),
        (["f1@50"], "above 0 and at most 1"),
        (["f1@0.5.5"], "is not a metric"),
        (["dice@0.5"], "'dice@0.5' is not a metric"),
        (["dice", "dice"], "each name only once"),
        ([], "at least one name"),
    ],
)
def test_unknown_metrics_are_rejected(metrics: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        columns_of(metrics)


class TestProvenance:
    def test_hashes_follow_the_pixels(self, save: Save) -> None:
        hashes = []
        for pred in (TRUTH, TRUTH, PRED):
            folder = save({"pred/a.tif": pred, "truth/a.tif": TRUTH})
            run(folder, "dice")
            hashes.append(summary(folder)["provenance"]["data"])
        assert hashes[0] == hashes[1]
        assert hashes[1]["truth"] == hashes[2]["truth"]
        assert hashes[1]["predictions"] != hashes[2]["predictions"]

    def test_bundle(self, save: Save) -> None:
        folder = save({"pred/a.tif": TRUTH, "truth/a.tif": TRUTH})
        bundle = folder / "bundle"
        (bundle / "configs").mkdir(parents=True)
        (bundle / "models").mkdir()
        (bundle / "configs/metadata.json").write_text('{"name": "Mine", "version": "1.2.0"}')
        (bundle / "configs/train.json").write_text('{"seed": 7}')
        (bundle / "models/model.pt").write_bytes(b"weights")
        run(folder, "dice", bundle=bundle)
        told = summary(folder)["provenance"]["bundle"]
        assert (told["name"], told["version"], told["seed"]) == ("Mine", "1.2.0", 7)
        assert told["model.pt_sha256"] == hashlib.sha256(b"weights").hexdigest()
        with pytest.raises(FileNotFoundError, match="not a bundle"):
            run(folder, "dice", bundle=folder / "pred")


def test_real_cells(real_images: Path, tmp_path: Path) -> None:
    truth = real_images / "nuclei/train"
    result = evaluate(truth / "masks", truth, tmp_path / "out", metrics=["dice", "f1@0.9", "n_true"])
    assert (result.scores[["dice", "f1@0.9"]] == 1).all(axis=None)
    assert result.scores.n_true.tolist() == [7, 5, 7, 7, 8]


class TestClasses:
    masks = np.array([[0, 128, 128, 255], [0, 0, 255, 255]])
    said = np.array([[0, 1, 1, 1], [0, 0, 2, 2]])
    classes: ClassVar = {"0": 0, "128": 1, "255": 2}

    def test_pooled_scores_and_those_of_an_image(self, save: Save) -> None:
        folder = save({"pred/a.tif": self.said, "truth/a.png": self.masks})
        row = run(folder, classes=self.classes).loc["a"]
        assert row[["image_mdice", "image_miou"]].tolist() == pytest.approx([0.8, 2 / 3], abs=1e-6)
        assert row[["tp:0", "tp:1", "fp:1", "fn:1", "fn:2"]].tolist() == [3, 2, 1, 0, 1]
        found = {name: score["value"] for name, score in summary(folder)["pooled"].items()}
        expected = {"miou": 7 / 9, "mdice": 2.6 / 3, "miou_foreground": 2 / 3, "mdice_foreground": 0.8}
        of_classes = {"iou:0": 1, "iou:1": 2 / 3, "iou:2": 2 / 3, "dice:0": 1, "dice:1": 0.8, "dice:2": 0.8}
        assert found == pytest.approx(expected | of_classes)

    def test_mean_iou_by_hand(self, save: Save) -> None:
        """Class 1 has 2 of 4 pixels and class 0 has 1 of 3; no image has class 2."""
        said, masks = np.array([[1, 1, 0, 1, 0]]), np.array([[128, 128, 128, 0, 0]])
        folder = save({"pred/a.tif": said, "truth/a.png": masks})
        row = run(folder, classes=self.classes).loc["a"]
        assert row["image_miou"] == 0.5
        assert summary(folder)["pooled"]["miou"]["value"] == pytest.approx(5 / 12)

    def test_a_tile_whose_only_class_is_missed_scores_nothing(self, save: Save) -> None:
        folder = save({"pred/a.tif": np.zeros((4, 4)), "truth/a.png": np.full((4, 4), 5)})
        run(folder, classes={str(code): code for code in range(22)})
        assert summary(folder)["pooled"]["miou"]["value"] == 0

    def test_images_are_pooled_before_they_are_scored(self, save: Save) -> None:
        masks, said = np.minimum(self.masks, 128), np.minimum(self.said, 1)
        folder = save({"pred/a.tif": said, "truth/a.png": masks, "truth/b.png": self.masks})
        scores = run(folder, "image_mdice", "image_dice:2", classes=self.classes)
        assert scores["image_mdice"].tolist() == [1, 0]
        assert math.isnan(scores.loc["a", "image_dice:2"])
        pooled = summary(folder)["pooled"]
        # Of class 1, image a has 5 of 5 pixels, b has 0 of 2; b has 3 pixels of class 2, and none is found.
        assert pooled["iou:1"]["value"] == pytest.approx(5 / 7)
        assert pooled["iou:2"]["value"] == 0
        assert pooled["iou:1"]["low"] == 0
        assert pooled["iou:1"]["high"] == 1

    def test_ignored_pixels_are_neither_right_nor_wrong(self, save: Save) -> None:
        said, masks = np.array([[1, 1, 0, 1, 0, 0, 1]]), np.array([[2, 2, 2, 1, 1, 0, 0]])
        folder = save({"pred/a.tif": said, "truth/a.png": masks})
        row = run(folder, "image_miou", "accuracy", classes={"0": "ignore", "1": 0, "2": 1}).loc["a"]
        assert row[["image_miou", "accuracy"]].tolist() == [0.5, 0.6]
        assert summary(folder)["pooled"]["miou"]["value"] == pytest.approx(5 / 12)

    def test_maps_without_any_class_agree(self, save: Save) -> None:
        nothing = np.zeros_like(self.masks)
        folder = save({"pred/a.tif": nothing, "truth/a.png": nothing})
        assert run(folder, classes=self.classes).image_miou.tolist() == [1]
        pooled = summary(folder)["pooled"]
        assert (pooled["miou"]["value"], pooled["miou_foreground"]["value"]) == (1, None)

    def test_a_pooled_score_is_no_column(self, save: Save) -> None:
        folder = save({"pred/a.tif": self.said, "truth/a.png": self.masks})
        with pytest.raises(ValueError, match=r"'miou' is not a metric.*over all images, such as miou, are"):
            run(folder, "miou", classes=self.classes)

    def test_a_value_without_a_class_names_the_file(self, save: Save) -> None:
        folder = save({"pred/a.tif": self.said, "truth/a.png": self.masks})
        with pytest.raises(ValueError, match=r"truth/a\.png: the mask contains the values 128, but classes"):
            run(folder, classes={"0": 0, "255": 1})

    @pytest.mark.parametrize("asked", [{"metrics": ["f1"]}, {"pieces": True}])
    def test_objects_are_rejected(self, save: Save, asked: dict[str, object]) -> None:
        folder = save({"pred/a.tif": self.said, "truth/a.png": self.masks})
        with pytest.raises(ValueError, match="class maps do not separate objects"):
            evaluate(folder / "pred", folder / "truth", folder / "out", classes=self.classes, **asked)  # type: ignore[arg-type]

    def test_by_the_command(self, save: Save, capsys: pytest.CaptureFixture[str]) -> None:
        folder = save({"pred/a.tif": self.said, "truth/a.png": self.masks})
        words = ["evaluate", "--pred", folder / "pred", "--truth", folder / "truth", "--out", folder / "out"]
        assert main([*map(str, words), "--classes", "0=ignore", "128=1", "255=2"]) == 0
        told = capsys.readouterr().out
        assert "mdice            pooled 0.800" in told
        assert "image_mdice      mean 0.800" in told
        assert "dice:0" not in told
        report = (folder / "out/report.html").read_text()
        assert "mdice_foreground" in report
        assert "tp:1" not in report
        with pytest.raises(SystemExit):
            main([*map(str, words), "--classes", "0=nothing"])
        assert "'0=nothing' is not VALUE=CLASS, such as 255=2 or 0=ignore" in capsys.readouterr().err
