"""``cellseg train`` killed at random again and again, each time started by the same command."""

import random
import re
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest
from tifffile import imread

import cellseg_monai as cs
from cellseg_monai.bundling import check_bundles
from tests.forked.commands import INTERPRETER

KILLS = 10
LEFT = re.compile(r"epoch \d+ .* (\d+):(\d\d):(\d\d) left")


@pytest.mark.slow
def test_killed_ten_times_at_random_it_ends_with_a_bundle(real_images: Path, tmp_path: Path) -> None:
    images, folder = real_images / "nuclei/train", tmp_path / "my_cells"
    words = [INTERPRETER, "-m", "cellseg_monai.cli", "train", str(images), "--out", str(folder)]
    words += ["--minutes", "1.5", "--from", "none", "--set", "network_def#architecture#channels=[8, 16]"]
    moments = random.Random(0)
    log = folder / "training/trained/training.log"
    for number in range(KILLS):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        lines = len(_progress(log))
        while number % 2 and len(_progress(log)) == lines and process.poll() is None:
            time.sleep(0.2)  # every second one is killed while it trains, or after that
        time.sleep(moments.uniform(0, 6))
        process.kill()
        process.wait()
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not check_bundles(folder).failed
    label = cs.predict(folder, [images / "images"], tmp_path / "result")[0]
    assert imread(label).any()
    first, *_, last = _progress(log)
    assert _left(last) == 0
    # the clock of the training does not count what was lost, the starts of the processes at the least
    passed = datetime.fromisoformat(last[:19]) - datetime.fromisoformat(first[:19])
    assert passed.total_seconds() > _left(first) + KILLS / 2


def _progress(log: Path) -> list[str]:
    """Lines with the time left."""
    return [line for line in log.read_text().splitlines() if " left" in line] if log.is_file() else []


def _left(line: str) -> int:
    """Seconds left by a line of progress."""
    found = LEFT.search(line)
    assert found, line
    hours, minutes, seconds = map(int, found.groups())
    return 3600 * hours + 60 * minutes + seconds
