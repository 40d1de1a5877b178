"""Time of a training to its first step, and fraction of a step that is spent on loading data.

    python benchmarks/training.py [DATA]

DATA is an annotated dataset; the default is synthetic nuclei of the size of BBBC039. The bundle is
`patch_attention_unet` at full width.
"""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from ignite.engine import Events
from monai.bundle import ConfigWorkflow

from cellseg_monai.data import write_synthetic_dataset

BUNDLE = Path(__file__).resolve().parents[1] / "bundles/patch_attention_unet"


def seconds_to_first_step(data: Path, output: str) -> float:
    """Seconds from the start of MONAI's command to the end of the first step; files are in the disk cache."""
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/train.json"]
    command += ["--dataset_dir", str(data), "--output_dir", output, "--ckpt_dir", output]
    command += ["--train#trainer#epoch_length", "1", "--val_interval", "99"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=BUNDLE, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout is not None
        for line in training.stdout:
            if "training.progress" in line:
                break
        taken = time.perf_counter() - began
        training.kill()
    return taken


def loading_and_step(data: Path, output: str, epochs: int) -> tuple[float, float]:
    """Median seconds to load a batch, and to train on it."""
    options = {"dataset_dir": str(data), "bundle_root": str(BUNDLE), "output_dir": output, "ckpt_dir": output}
    workflow = ConfigWorkflow(
        str(BUNDLE / "configs/train.json"), logging_file=False, max_epochs=epochs, val_interval=99, **options
    )
    workflow.initialize()
    trainer = workflow.trainer
    times: dict[str, list[float]] = {"loading": [], "step": []}
    began = {}

    def start(name: str) -> None:
        began[name] = time.perf_counter()

    def stop(name: str) -> None:
        times[name].append(time.perf_counter() - began[name])

    trainer.add_event_handler(Events.GET_BATCH_STARTED, lambda: start("loading"))
    trainer.add_event_handler(Events.GET_BATCH_COMPLETED, lambda: stop("loading"))
    trainer.add_event_handler(Events.ITERATION_STARTED, lambda: start("step"))
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda: stop("step"))
    workflow.run()
    return median(times["loading"]), median(times["step"])


def main() -> None:
    """Print both tables."""
    with TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            data = Path(sys.argv[1])
        else:
            data = write_synthetic_dataset("nuclei", f"{folder}/set", count=10, size=(520, 696)).parent
        starts = [seconds_to_first_step(data, f"{folder}/start{number}") for number in range(4)][1:]
        print(f"\nMONAI's command to the end of the first step, median of {len(starts)} warm starts")
        print(f"{median(starts):10.1f} s   ({min(starts):.1f} to {max(starts):.1f})")
        loading, step = loading_and_step(data, f"{folder}/load", epochs=2)
        print("\nA batch of 8 patches of 128², median")
        print(f"{'':10} seconds   fraction of the step")
        print(f"loading   {loading:8.4f}   {loading / step:8.1%}")
        print(f"step      {step:8.4f}")


if __name__ == "__main__":
    main()
