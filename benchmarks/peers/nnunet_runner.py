"""Train nnU-Net 2 from scratch: `python nnunet_runner.py job.json`, with the Python of its environment.

It uses its own fingerprint, plans, augmentation, loss, schedule and mirrored prediction. For the CPU it uses
patches of 256 pixels, two at a time, and epochs that are short enough for the budget. nnU-Net segments
classes, not cells. As its authors do for cells, the border is a separate class, and cells are the pieces
inside of it, expanded into the border. Masks of a single value are used unchanged.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from common import Clock, main, predict_each, read_channels, read_labels
from scipy import ndimage
from skimage.measure import label
from skimage.segmentation import expand_labels, find_boundaries

DATASET = "Dataset001_Images"
PATCH, BATCH = 256, 2
DEEPEST = 4
"""Side of a patch in the deepest stage; nnU-Net's planner does not go below this."""
EPOCHS = 20
VALIDATION_STEPS = 1
CALIBRATION_STEPS = 3
BORDER = 2
"""Width of the border class inside a cell, in pixels."""

PLANE = {"spacing": (999, 1, 1)}
"""Properties that nnU-Net uses for a two-dimensional image."""


def set_up(folder: Path) -> None:
    """Set the environment variables that nnU-Net reads on import; so it is imported later."""
    for name in ("raw", "preprocessed", "results"):
        os.environ[f"nnUNet_{name}"] = str(folder / name)
    os.environ.update(nnUNet_n_proc_DA="1", nnUNet_compile="false", nnUNet_def_n_proc="1")


def classes(labels: np.ndarray) -> np.ndarray:
    """Convert cells to classes: 0 outside, 1 inside, 2 border."""
    if labels.max() <= 0 or len(np.unique(labels)) <= 2:
        return (labels > 0).astype(np.uint8)
    inner = find_boundaries(labels, mode="inner")
    border = ndimage.binary_dilation(inner, iterations=BORDER - 1) & (labels > 0)
    return np.where(border, 2, labels > 0).astype(np.uint8)


def cells(found: np.ndarray) -> np.ndarray:
    """Convert classes to cells: pieces of the inside, expanded into the border."""
    return np.asarray(expand_labels(label(found == 1, connectivity=1), BORDER + 1) * (found > 0))


def write_dataset(pairs: list[list[str]], folder: Path) -> list[str]:
    """Write images and classes in nnU-Net's format, and return the names of the cases."""
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    names, most, channels = [], 1, 1
    for number, (image, labels) in enumerate(pairs):
        names.append(f"case_{number:03}")
        values = classes(read_labels(labels))
        most = max(most, int(values.max()))
        pixels = read_channels(image)
        channels = len(pixels)
        for channel, plane in enumerate(pixels):
            tifffile.imwrite(folder / "imagesTr" / f"{names[-1]}_{channel:04}.tif", plane)
        tifffile.imwrite(folder / "labelsTr" / f"{names[-1]}.tif", values)
    described = {
        "channel_names": {str(channel): "light" for channel in range(channels)},
        "labels": dict(zip(("background", "inside", "border"), range(most + 1), strict=False)),
        "numTraining": len(pairs),
        "file_ending": ".tif",
    }
    (folder / "dataset.json").write_text(json.dumps(described))
    return names


def reduce_plans(out: Path) -> None:
    """Reduce the patches so that a CPU can train on some hundreds, with nnU-Net's stages for that size."""
    file = out / "preprocessed" / DATASET / "nnUNetPlans.json"
    plans = json.loads(file.read_text())
    plan = plans["configurations"]["2d"]
    plan.update(patch_size=[PATCH, PATCH], batch_size=BATCH)
    network = plan["architecture"]["arch_kwargs"]
    stages = min(network["n_stages"], int(np.log2(PATCH / DEEPEST)) + 1)
    for name, value in network.items():
        if isinstance(value, list):
            network[name] = value[: stages - 1 if name == "n_conv_per_stage_decoder" else stages]
    network["n_stages"] = stages
    file.write_text(json.dumps(plans, indent=1))


def new_trainer(out: Path, epochs: int, steps: int) -> Any:
    """Make a trainer with random weights for a number of epochs and steps."""
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    class Reduced(nnUNetTrainer):  # type: ignore[misc]
        def on_train_start(self) -> None:
            self.num_epochs, self.num_iterations_per_epoch = epochs, steps
            self.num_val_iterations_per_epoch = VALIDATION_STEPS
            super().on_train_start()

    prepared = out / "preprocessed" / DATASET
    plans = json.loads((prepared / "nnUNetPlans.json").read_text())
    described = json.loads((prepared / "dataset.json").read_text())
    return Reduced({**plans, "continue_training": False}, "2d", 0, described, torch.device("cpu"))


def step_seconds(out: Path) -> float:
    """Measure the seconds of a step, with a network that is not used afterwards."""
    trainer = new_trainer(out, 1, CALIBRATION_STEPS)
    trainer.on_train_start()
    trainer.on_train_epoch_start()
    marks = []
    for _ in range(CALIBRATION_STEPS + 1):
        trainer.train_step(next(trainer.dataloader_train))
        marks.append(time.perf_counter())
    return float(np.median(np.diff(marks)))


def train(job: dict[str, Any], out: Path, clock: Clock) -> None:
    """Train for as many steps as fit into the budget."""
    set_up(out)
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprints,
        plan_experiments,
        preprocess,
    )

    torch.manual_seed(job["seed"])
    torch.set_num_threads(job["threads"])
    pairs = job["train"] + job["validation"]
    names = write_dataset(pairs, out / "raw" / DATASET)
    extract_fingerprints([1], num_processes=1)
    plan_experiments([1])
    reduce_plans(out)
    preprocess([1], configurations=("2d",), num_processes=(1,))
    os.environ["nnUNet_n_proc_DA"] = "0"  # augment in this process; the planner has no option for it
    torch.set_num_threads(job["threads"])
    split = [{"train": names[: len(job["train"])], "val": names[len(job["train"]) :]}]
    (out / "preprocessed" / DATASET / "splits_final.json").write_text(json.dumps(split))

    step = clock.calibrate(lambda: step_seconds(out))
    steps = max(1, int(clock.left / EPOCHS / step) - VALIDATION_STEPS)
    print(f"{EPOCHS} epochs of {steps} steps of {step:.2f} s", flush=True)
    torch.manual_seed(job["seed"])
    trainer = new_trainer(out, EPOCHS, steps)
    trainer.run_training()
    torch.save(
        {"weights": trainer.network.state_dict(), "mirror": trainer.inference_allowed_mirroring_axes},
        out / "model.pt",
    )


def predict(job: dict[str, Any], out: Path) -> None:
    """Segment with the last weights, as nnU-Net does."""
    model = Path(job["model"])
    set_up(model)
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    torch.set_num_threads(job["threads"])
    trainer = new_trainer(model, 1, 1)
    trainer.initialize()
    trainer.set_deep_supervision_enabled(False)
    state = torch.load(model / "model.pt", weights_only=False)
    predictor = nnUNetPredictor(
        device=torch.device("cpu"), perform_everything_on_device=False, allow_tqdm=False
    )
    predictor.manual_initialization(
        trainer.network,
        trainer.plans_manager,
        trainer.configuration_manager,
        [state["weights"]],
        trainer.dataset_json,
        type(trainer).__name__,
        state["mirror"],
    )

    def segment(image: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
        began = time.perf_counter()
        found = predictor.predict_single_npy_array(image[:, None], PLANE)[0]
        middle = time.perf_counter()
        labels = cells(found)
        return labels, {"network": middle - began, "postprocessing": time.perf_counter() - middle}

    predict_each(job["images"], out, segment, read_channels)


if __name__ == "__main__":
    main(train, predict)
