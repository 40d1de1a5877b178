"""Time Cellpose's dynamics: `python cellpose_dynamics.py job.json`, with the Python of its environment.

The flows are made from a label map, so they are perfect, and are repeated to the requested size.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from cellpose import dynamics

CELL, BACKGROUND = 6.0, -6.0
"""Logits of a certain prediction."""


def main() -> None:
    """Print the seconds of each call, after one untimed call, and the number of cells."""
    job = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(job["threads"])
    labels = np.load(job["labels"])
    device = torch.device("cpu")
    times = (job["tiles"], job["tiles"])
    directions = np.float32(dynamics.masks_to_flows(labels, device=device))
    flows = np.tile(5 * directions, (1, *times))  # the network is trained for five times the flow
    certain = np.tile(np.where(labels > 0, CELL, BACKGROUND).astype(np.float32), times)
    seconds = []
    for _ in range(job["repeats"] + 1):
        began = time.perf_counter()
        found = dynamics.compute_masks(flows, certain, min_size=job["min_size"], device=device)
        seconds.append(time.perf_counter() - began)
    cells = found[0] if isinstance(found, tuple) else found
    print(json.dumps({"seconds": seconds[1:], "cells": int(cells.max())}))


if __name__ == "__main__":
    main()
