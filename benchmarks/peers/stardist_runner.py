"""Train StarDist from scratch: `python stardist_runner.py job.json`, with the Python of its environment.

The settings are those of its example notebook: 32 rays, grid of 2, normalisation between the percentiles 1
and 99.8, flips, quarter turns, changes of intensity, noise, thresholds tuned on the validation images. Only
the length of an epoch depends on the budget. If the masks have no objects, the thresholds are tuned by Dice.
"""

import json
import time
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
from common import Clock, is_mask, main, pieces, predict_each, read_channels, read_labels
from csbdeep.utils import normalize
from stardist import fill_label_holes
from stardist.models import Config2D, StarDist2D

NAME = "stardist"
EPOCHS = 40
PATIENCE = 40  # epochs without progress before the learning rate falls; StarDist's default, not reached here
THRESHOLD_SHARE = 0.08  # fraction of the budget for tuning the thresholds after the training
CALIBRATION_STEPS = 6
PROBABILITIES = (0.05, 0.07, 0.1, 0.15, 0.2, 0.3)  # thresholds to choose from by Dice
OVERLAPS = (0.3, 0.6)


class Deadline(keras.callbacks.Callback):
    """Callback that ends the training at the deadline, and measures the steps."""

    def __init__(self, clock: Clock, reserve: float) -> None:
        super().__init__()
        self.clock = clock
        self.reserve = reserve
        self.ends: list[float] = []

    @property
    def step_seconds(self) -> float:
        """Median seconds of a step with its batch, without the first step, which compiles, and validation."""
        return float(np.median(np.diff(self.ends)))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Stop the training after the deadline."""
        self.ends.append(time.perf_counter())
        if self.clock.left < self.reserve:
            self.model.stop_training = True


def augment(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Apply flips, quarter turns, changes of intensity and noise, as in the example notebook."""
    turns = np.random.randint(4)
    image, labels = np.rot90(image, turns), np.rot90(labels, turns)
    if np.random.rand() < 0.5:
        image, labels = image[::-1], labels[::-1]
    image = image * np.random.uniform(0.6, 2) + np.random.uniform(-0.2, 0.2)
    return image + 0.02 * np.random.uniform() * np.random.normal(size=image.shape), labels


def prepared(channels: np.ndarray, wanted: int) -> np.ndarray:
    """Stretch every channel between its percentiles; channels come last, a single channel has no axis.

    A grey image in a set of colour images gets three equal channels.
    """
    if len(channels) < wanted:
        channels = np.repeat(channels, wanted, axis=0)
    image = channels[0] if len(channels) == 1 else np.moveaxis(channels, 0, -1)
    return normalize(image, 1, 99.8, axis=(0, 1))


def read(pairs: list[list[str]], channels: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Read images and label maps for training."""
    images = [prepared(read_channels(image), channels) for image, _ in pairs]
    return images, [objects(read_labels(labels)) for _, labels in pairs]


def is_binary(pairs: list[list[str]]) -> bool:
    """Whether all masks have no separate objects."""
    return all(is_mask(read_labels(labels)) for _, labels in pairs)


def objects(labels: np.ndarray) -> np.ndarray:
    """Fill the holes of cells; for a mask of one value, label its pieces and keep their holes."""
    return pieces(labels) if is_mask(labels) else fill_label_holes(labels)


def tune_by_dice(model: StarDist2D, images: list[np.ndarray], masks: list[np.ndarray]) -> None:
    """Tune thresholds by Dice for masks without objects, for which StarDist's own tuning finds nothing."""

    def dice(prob: float, nms: float) -> float:
        scores = []
        for image, mask in zip(images, masks, strict=True):
            found = model.predict_instances(image, prob_thresh=prob, nms_thresh=nms)[0] > 0
            scores.append(2 * np.sum(found & (mask > 0)) / max(1, np.sum(found) + np.sum(mask > 0)))
        return float(np.mean(scores))

    scores = {pair: dice(*pair) for pair in product(PROBABILITIES, OVERLAPS)}
    prob, nms = max(scores, key=scores.__getitem__)
    print(f"Dice {scores[prob, nms]:.3f} of the validation images with prob={prob}, nms={nms}", flush=True)
    (model.logdir / "thresholds.json").write_text(json.dumps({"prob": prob, "nms": nms}))


def new_model(folder: Path | None, example: np.ndarray) -> StarDist2D:
    """Make a model with random weights for images like this one; without a folder it writes no files."""
    config = Config2D(
        n_rays=32,
        grid=(2, 2),
        n_channel_in=1 if example.ndim == 2 else example.shape[2],
        train_patch_size=(256, 256),
        train_batch_size=4,
        use_gpu=False,
        train_tensorboard=False,
        train_reduce_lr={"factor": 0.5, "patience": PATIENCE, "min_delta": 0},
    )
    return StarDist2D(config, NAME, folder and str(folder))


def fit(
    model: StarDist2D, data: Any, validation: Any, seed: int, epochs: int, steps: int, deadline: Deadline
) -> None:
    """Train until the deadline or the last epoch."""
    model.prepare_for_training()
    model.callbacks.append(deadline)
    model.train(
        *data,
        validation_data=validation,
        augmenter=augment,
        seed=seed,
        epochs=epochs,
        steps_per_epoch=steps,
    )


def train(job: dict[str, Any], out: Path, clock: Clock) -> None:
    """Train for as many steps as fit into the budget, then tune the thresholds."""
    keras.utils.set_random_seed(job["seed"])
    channels = max(len(read_channels(image)) for image, _ in job["train"])
    data, validation = read(job["train"], channels), read(job["validation"], channels)
    reserve = THRESHOLD_SHARE * job["budget"]

    def step_seconds() -> float:
        trial = Deadline(Clock(float("inf")), 0)
        fit(new_model(None, data[0][0]), data, validation, job["seed"], 1, CALIBRATION_STEPS, trial)
        return trial.step_seconds

    step = clock.calibrate(step_seconds)
    keras.utils.set_random_seed(job["seed"])
    steps = max(1, int((clock.left - reserve) / EPOCHS / step))
    model = new_model(out, data[0][0])
    deadline = Deadline(clock, reserve)
    # More epochs than possible: the deadline ends the training, and the best weights are kept.
    fit(model, data, validation, job["seed"], EPOCHS, steps, deadline)
    print(f"{len(deadline.ends)} steps of {step:.2f} s", flush=True)
    if is_binary(job["validation"]):
        tune_by_dice(model, *validation)
    else:
        model.optimize_thresholds(*validation)


def predict(job: dict[str, Any], out: Path) -> None:
    """Segment with the best weights and the tuned thresholds."""
    model = StarDist2D(None, NAME, job["model"])

    def segment(image: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        began = time.perf_counter()
        image = prepared(image, model.config.n_channel_in)
        marks = [time.perf_counter()]
        # The steps of predict_instances(): it yields "predict", "nms" and the result.
        steps = []
        for step in model._predict_instances_generator(image):
            steps.append(step)
            marks.append(time.perf_counter())
        ready, _, network, end = marks
        labels, _ = steps[-1]
        return labels, {
            "read": ready - began,
            "network": network - ready,
            "postprocessing": end - network,
        }

    predict_each(job["images"], out, segment, read_channels)


if __name__ == "__main__":
    main(train, predict)
