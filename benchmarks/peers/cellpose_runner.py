"""Train Cellpose 3 from scratch: `python cellpose_runner.py job.json`, with the Python of its environment.

The settings are those of its documentation for training a model: SGD at 0.1, weight decay 1e-4, batches of 8
crops of 224 pixels, its own augmentation and schedule. The diameter is that of the training masks. An epoch
is one batch, so that the schedule has enough epochs.
"""

import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from cellpose import dynamics, models
from cellpose import train as cellpose_train
from common import Clock, main, pieces, predict_each, read_image, read_labels

BATCH = 8
CALIBRATION_STEPS = 2
GREY = [0, 0]


def new_model() -> models.CellposeModel:
    """Make a model with random weights; nothing is downloaded."""
    return models.CellposeModel(gpu=False, pretrained_model=False, nchan=2)


def fit(
    model: models.CellposeModel, images: list[np.ndarray], flows: list[np.ndarray], steps: int, out: Path
) -> Path:
    """Train for a number of batches, and return the file of the weights."""
    path, *_ = cellpose_train.train_seg(
        model.net,
        train_data=images,
        train_labels=flows,
        channels=GREY,
        normalize=True,
        SGD=True,
        learning_rate=0.1,
        weight_decay=1e-4,
        n_epochs=steps,
        batch_size=BATCH,
        nimg_per_epoch=BATCH,
        min_train_masks=1,
        save_path=out,
        model_name="cellpose",
    )
    return Path(path)


def step_seconds(images: list[np.ndarray], flows: list[np.ndarray], out: Path) -> float:
    """Measure the seconds of a batch, with a network that is not used afterwards."""
    model, began = new_model(), []
    model.net.register_forward_pre_hook(lambda *_: began.append(time.perf_counter()))
    fit(model, images, flows, CALIBRATION_STEPS + 1, out)
    return median(np.diff(began)[1:])


def train(job: dict[str, Any], out: Path, clock: Clock) -> None:
    """Train for as many batches as fit into the budget.

    Cellpose does not use validation images, so it is trained on them too.
    """
    torch.manual_seed(job["seed"])
    torch.set_num_threads(job["threads"])
    pairs = job["train"] + job["validation"]
    images = [read_image(image) for image, _ in pairs]
    device = torch.device("cpu")
    masks = [pieces(read_labels(labels)).astype(np.int32) for _, labels in pairs]
    flows = dynamics.labels_to_flows(masks, device=device)
    step = clock.calibrate(lambda: step_seconds(images, flows, out))
    steps = max(1, int(clock.left / step))
    print(f"{steps} steps of {step:.2f} s", flush=True)
    torch.manual_seed(job["seed"])
    model = new_model()
    path = fit(model, images, flows, steps, out)
    settings = {"weights": str(path), "diameter": float(model.net.diam_labels)}
    (out / "model.json").write_text(json.dumps(settings))


def predict(job: dict[str, Any], out: Path) -> None:
    """Segment at the diameter of the training masks."""
    torch.set_num_threads(job["threads"])
    settings = json.loads(Path(job["model"], "model.json").read_text())
    if not Path(settings["weights"]).is_file():  # Cellpose would download other weights
        raise FileNotFoundError(f"{settings['weights']} is missing; train again")
    model = models.CellposeModel(gpu=False, pretrained_model=settings["weights"], nchan=2)
    marks: dict[str, float] = {}
    model._run_net = _marking(model._run_net, marks)

    def segment(image: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        began = time.perf_counter()
        labels, *_ = model.eval(image, channels=GREY, diameter=settings["diameter"])
        end = time.perf_counter()
        return labels, {
            "read": marks["start"] - began,
            "network": marks["end"] - marks["start"],
            "postprocessing": end - marks["end"],
        }

    predict_each(job["images"], out, segment)


def _marking(run_network: Any, marks: dict[str, float]) -> Any:
    def run(*args: Any, **kwargs: Any) -> Any:
        marks["start"] = time.perf_counter()
        result = run_network(*args, **kwargs)
        marks["end"] = time.perf_counter()
        return result

    return run


if __name__ == "__main__":
    main(train, predict)
