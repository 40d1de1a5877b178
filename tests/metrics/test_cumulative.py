"""Metrics over batches, images, processes, and in an engine."""

import functools
import itertools
import math
import pathlib

import monai.handlers
import pytest
import torch
import torch.multiprocessing
from ignite.engine import Engine
from monai.bundle import ConfigParser
from monai.data import DataLoader, Dataset, MetaTensor
from monai.engines import SupervisedEvaluator

from cellseg_monai.metrics import (
    InstanceHandler,
    LabelMapMetric,
    PixelHandler,
    aggregated_jaccard,
)

ONE_CELL = torch.tensor([[[1, 1, 0, 0]]], dtype=torch.int32)
MOVED = torch.tensor([[[0, 5, 5, 0]]], dtype=torch.int32)  # IoU 1/3, Dice 1/2
TWO_CELLS = torch.tensor([[[1, 1, 0, 2]]], dtype=torch.int32)
EMPTY = torch.zeros_like(ONE_CELL)
# Hits, alarms, misses at IoU 0.5: (1,0,0) (0,1,1) (1,0,1), and F1 1, 0, 2/3.
IMAGES = [(ONE_CELL, ONE_CELL), (ONE_CELL, MOVED), (ONE_CELL, TWO_CELLS)]


def instance_metric(*arguments, **options):
    return InstanceHandler(*arguments, **options).metric_fn


def pixel_metric(*arguments, **options):
    return PixelHandler(*arguments, **options).metric_fn


def collected(metric, images=IMAGES):
    for pred, truth in images:
        metric([pred], [truth])
    return metric


@pytest.mark.parametrize(
    ("reduction", "expected"), [("mean", (1 + 0 + 2 / 3) / 3), ("median", 2 / 3), ("pooled", 4 / 7)]
)
def test_reductions_by_hand(reduction, expected):
    assert collected(instance_metric("f1", reduction=reduction)).aggregate().item() == pytest.approx(expected)


@pytest.mark.parametrize("reduction", ["mean", "median", "pooled"])
def test_a_mask_of_0_and_255_tells_no_objects_apart(reduction):
    images = [*IMAGES[:1], (TWO_CELLS, 255 * (TWO_CELLS > 0).int())]
    metric = collected(instance_metric("f1", reduction=reduction), images)
    assert metric.aggregate().item() == 1
    assert metric.get_buffer().flatten().tolist() == pytest.approx([1, math.nan], nan_ok=True)


def test_median_of_two_images_lies_between_them():
    assert collected(instance_metric("f1", reduction="median"), IMAGES[:2]).aggregate().item() == 0.5


@pytest.mark.parametrize("batched", [True, False], ids=["tensor", "list"])
@pytest.mark.parametrize("dtype", [torch.int32, torch.int64, torch.uint8, torch.float32])
def test_a_batch_is_its_images(batched, dtype):
    preds, truths = zip(*IMAGES, strict=True)
    preds, truths = [pred.to(dtype) for pred in preds], [MetaTensor(truth.to(dtype)) for truth in truths]
    metric = instance_metric("f1")
    scores = metric(torch.stack(preds), torch.stack(truths)) if batched else metric(preds, truths)
    assert scores.flatten().tolist() == pytest.approx([1, 0, 2 / 3])
    assert torch.equal(metric.get_buffer(), scores)


@pytest.mark.parametrize(("empty", "expected"), [(1.0, 0.5), (0.0, 0.0), (math.nan, 0.0)])
@pytest.mark.parametrize("metric", [instance_metric, pixel_metric])
def test_empty_images(metric, empty, expected):
    images = [(EMPTY, EMPTY), (ONE_CELL, EMPTY)]
    assert collected(metric(empty=empty), images).aggregate().item() == expected


def test_nothing_but_left_out_images_is_told(caplog):
    value = collected(instance_metric(empty=math.nan), [(EMPTY, EMPTY)]).aggregate()
    assert value.isnan()
    assert "the metric has no value" in caplog.text


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.gpu),
    ],
)
def test_counts_stay_on_the_device_of_the_prediction(device):
    metric = instance_metric("f1")
    scores = metric(ONE_CELL[None].to(device), TWO_CELLS[None].to(device))
    assert scores.device.type == metric.get_buffer().device.type == metric.aggregate().device.type == device
    assert metric.aggregate().item() == pytest.approx(2 / 3)


def test_reset_forgets():
    metric = collected(instance_metric())
    metric.reset()
    with pytest.raises(ValueError, match="has seen no images"):
        metric.aggregate()


@pytest.mark.parametrize(
    ("pred", "truth", "message"),
    [
        ([ONE_CELL], [ONE_CELL, ONE_CELL], "1 predictions but 2 true label maps"),
        ([ONE_CELL], None, "1 predictions but no true label maps"),
        ([ONE_CELL.half()], [ONE_CELL], "the prediction is torch.float16, which rounds ids"),
        (
            [ONE_CELL],
            [torch.cat([ONE_CELL] * 2)],
            r"the truth must be a label map with one channel, not shape \(2, 1, 4\)",
        ),
        ([ONE_CELL], [ONE_CELL[..., :3]], "differ in shape"),
        ([ONE_CELL * 0.5], [ONE_CELL], "0.5 is not an object id"),
    ],
    ids=["length", "missing", "half", "channels", "shape", "probability"],
)
def test_wrong_input_is_told(pred, truth, message):
    with pytest.raises(ValueError, match=message):
        instance_metric()(pred, truth)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: instance_metric("dice"), "score must be one of precision, recall, f1, ap, sq, pq, not dice"),
        (lambda: instance_metric(thresholds=[]), "thresholds is empty"),
        (lambda: instance_metric(thresholds=[0.5, 50]), "threshold=50.0 is not an IoU"),
        (lambda: instance_metric(reduction="sum"), "reduction must be one of mean, median, pooled, not sum"),
        (lambda: LabelMapMetric(aggregated_jaccard, reduction="pooled"), "'pooled' needs score"),
        (lambda: pixel_metric("f2"), "score must be one of dice, iou, precision, recall, accuracy, not f2"),
        (lambda: pixel_metric(classes=[]), "classes is empty"),
    ],
    ids=["score", "no threshold", "percent", "reduction", "pooled", "pixel score", "no class"],
)
def test_options_are_checked_when_made(make, message):
    with pytest.raises(ValueError, match=message):
        make()


CONFIG = {
    "val_f1": {
        "_target_": "cellseg_monai.metrics.InstanceHandler",
        "thresholds": [0.3, 0.5],
        "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
    },
    "val_dice": {
        "_target_": "cellseg_monai.metrics.PixelHandler",
        "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
    },
    "val_aji": {
        "_target_": "monai.handlers.IgniteMetricHandler",
        "metric_fn": {
            "_target_": "cellseg_monai.metrics.LabelMapMetric",
            "compare": {"_target_": "cellseg_monai.metrics.aggregated_jaccard", "_mode_": "callable"},
        },
        "output_transform": "$monai.handlers.from_engine(['pred', 'label'])",
    },
    "imports": ["$import monai.handlers"],
}


def test_handlers_of_a_configuration_fill_the_tables_of_metrics_saver(tmp_path: pathlib.Path):
    config = ConfigParser(CONFIG)
    items = [
        {"image": MetaTensor(pred.float(), meta={"filename_or_obj": f"{name}.tif"}), "label": truth}
        for name, (pred, truth) in zip("abc", IMAGES, strict=True)
    ]
    saver = monai.handlers.MetricsSaver(
        save_dir=str(tmp_path),
        metric_details="*",
        batch_transform=lambda batch: [item["image"].meta for item in batch],
        summary_ops="*",
    )
    SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(Dataset(items), batch_size=2),
        network=torch.nn.Identity(),
        key_val_metric={"val_f1": config.get_parsed_content("val_f1")},
        additional_metrics={name: config.get_parsed_content(name) for name in ("val_dice", "val_aji")},
        val_handlers=[saver],
        decollate=True,
    ).run()
    metrics = dict(line.split(",") for line in (tmp_path / "metrics.csv").read_text().splitlines())
    assert float(metrics["val_f1"]) == pytest.approx((2 + 1 + 4 / 3) / 6)
    assert float(metrics["val_dice"]) == pytest.approx((1 + 0.5 + 0.8) / 3)
    assert float(metrics["val_aji"]) == pytest.approx((1 + 1 / 3 + 2 / 3) / 3)
    assert (tmp_path / "val_f1_raw.csv").read_text().splitlines() == [
        "filename,class0,class1,mean",
        "a.tif,1.0000,1.0000,1.0000",
        "b.tif,1.0000,0.0000,0.5000",
        "c.tif,0.6667,0.6667,0.6667",
    ]


@pytest.mark.parametrize("handler", [InstanceHandler, PixelHandler])
def test_details_can_be_left_out(handler):
    engine = Engine(lambda _engine, batch: batch)
    handler(save_details=False).attach(engine, "value")
    assert not hasattr(engine.run([([ONE_CELL], [ONE_CELL])]), "metric_details")


POOLED = {
    "objects": functools.partial(instance_metric, "f1", reduction="pooled"),
    "classes": functools.partial(pixel_metric, "iou", classes=[0, 1, 2, 5]),
}


def _score_share(rank: int, folder: str) -> None:
    """One process of two: scores every second image of three, then of one, which leaves it none."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    for images, kind in itertools.product((3, 1), POOLED):
        metric = collected(POOLED[kind](), IMAGES[:images][rank::2])
        torch.save([metric.aggregate(), metric.get_buffer()], f"{folder}/{rank}_{images}_{kind}.pt")
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_equal_one_even_if_one_of_them_sees_no_image(tmp_path: pathlib.Path):
    torch.multiprocessing.spawn(_score_share, (str(tmp_path),), nprocs=2)
    for rank, images, kind in itertools.product(range(2), (3, 1), POOLED):
        alone = collected(POOLED[kind](), IMAGES[:images])
        value, scores = torch.load(tmp_path / f"{rank}_{images}_{kind}.pt")
        assert value == alone.aggregate()
        assert sorted(map(str, scores.tolist())) == sorted(map(str, alone.get_buffer().tolist()))
