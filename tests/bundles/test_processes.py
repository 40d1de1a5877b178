"""Two processes train as one process with batches twice as large."""

import os
import subprocess
import sys
from pathlib import Path

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
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    typed = words("run", **settings)
    if processes == 1:
        done = run(typed, bundle.path, environment, timeout=300)
    else:
        shared = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)]
        command = [sys.executable, *shared, *typed]
        done = subprocess.run(
            command, cwd=bundle.path, env=environment, capture_output=True, text=True, timeout=300
        )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    state = torch.load(output / "training_state.pt", weights_only=True)
    weights: dict[str, torch.Tensor] = state["items"]["network"]
    return weights


def test_gradients_and_order_of_the_data_are_those_of_one_process(dataset: Path, tmp_path: Path) -> None:
    bundle = copied("patch_attention_unet", tmp_path)
    one = step(bundle, dataset, tmp_path / "one", processes=1)
    two = step(bundle, dataset, tmp_path / "two", processes=2)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=0, atol=1e-5 * 0.1, msg=name)
    writers = {path.name.split(".")[-2] for path in (tmp_path / "two").glob("events.out.tfevents*")}
    assert len(writers) == 1
