"""Two processes train as one process with batches twice as large."""

import os
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.bundles.reduced import Bundle, copied, words
from tests.forked.commands import run

CONFIGS = ["configs/train.json", "configs/as_published.json"]


def step(bundle: Bundle, dataset: Path, output: Path, processes: int) -> dict[str, torch.Tensor]:
    """The network after one step of plain gradient descent on eight patches, shared among the processes."""
    settings = {
        **bundle.options,
        "config_file": [*CONFIGS, "configs/multi_gpu_train.json"] if processes > 1 else CONFIGS,
        "dataset_dir": dataset,
        "output_dir": output,
        "ckpt_dir": output,
        "max_epochs": 1,
        "train#trainer#epoch_length": 1,
        "val_fraction": 0.5,
        "batch_size": 8 // processes,
        "optimizer#_target_": "torch.optim.SGD",
        "learning_rate": 0.1,
        "max_gradient_norm": 1000,
        "bfloat16_on_cpu": False,  # whose rounding depends on the size of a batch
    }
    execute(bundle, settings, processes)
    state = torch.load(output / "training_state.pt", weights_only=True)
    weights: dict[str, torch.Tensor] = state["items"]["network"]
    return weights


def execute(bundle: Bundle, settings: dict[str, object], processes: int) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    typed = words("run", **settings)
    if processes > 1:
        shared = ["--standalone", "--nproc_per_node", str(processes)]
        typed = ["-m", "torch.distributed.run", *shared, *typed]
    done = run(typed, bundle.path, environment, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def test_gradients_and_order_of_the_data_are_those_of_one_process(dataset: Path, tmp_path: Path) -> None:
    bundle = copied("patch_attention_unet", tmp_path)
    one = step(bundle, dataset, tmp_path / "one", processes=1)
    two = step(bundle, dataset, tmp_path / "two", processes=2)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=1e-5 * 0.1, msg=name)
    writers = {path.name.split(".")[-2] for path in (tmp_path / "two").glob("events.out.tfevents*")}
    assert len(writers) == 1
    assert (tmp_path / "two/validation.png").is_file()


@pytest.mark.slow
def test_classes_are_pooled_over_the_processes(class_dataset: Path, tmp_path: Path) -> None:
    bundle = copied("skip_unet", tmp_path)
    data = {"dataset_dir": class_dataset, "classes": "{'0':0,'128':1,'255':'ignore'}"}
    trained = {"max_epochs": 3, "folds": 4, "learning_rate": 0.02, "output_dir": tmp_path / "run"}
    bundle.run("train", "multi_class", **data, **trained)
    scores = {}
    for processes in (1, 2):
        overlays = ["train", "multi_class", "evaluate", *["multi_gpu_evaluate"][: processes - 1]]
        out = tmp_path / str(processes)
        execute(bundle, bundle.settings(*overlays, **data, output_dir=out), processes)
        lines = (out / "metrics.csv").read_text().splitlines()
        scores[processes] = {name: float(value) for name, value in (line.split(",") for line in lines)}
    assert scores[2] == pytest.approx(scores[1], abs=1e-4)
    of_images = pd.read_csv(out / "val_mean_iou_raw.csv")
    assert len(of_images) == 8
    assert of_images["mean"].mean() != pytest.approx(scores[1]["val_mean_iou"], abs=1e-4)
