"""The comparison with other tools, driven through to its table by tools that only pretend."""

import json
import math
import shutil
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
import tifffile
from torch.utils.tensorboard import SummaryWriter

from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.metrics import Estimate

IMAGES, SIZE = 10, (64, 80)
PEERS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"

PRETENDER = f"""#!{sys.executable}
import json, pathlib, shutil, sys
job = json.loads(pathlib.Path(sys.argv[2]).read_text())
out = pathlib.Path(job["out"])
(out / "labels").mkdir(parents=True)
with open({{calls!r}}, "a") as calls:
    print(job["verb"], file=calls)
if {{broken}}:
    sys.exit("no luck")
(out / "training.json").write_text('{{{{"seconds": 0, "calibration": 0}}}}')
lines = ["image,read,network,postprocessing,write"]
for image in map(pathlib.Path, job.get("images", [])):
    shutil.copy(image.parents[1] / "labels" / image.name, out / "labels" / image.name)
    lines.append(f"{{{{image}}}},0.001,0.010,0.002,0.003")
(out / "timing.csv").write_text("\\n".join(lines))
"""
"""Answers with the masks themselves."""


class Scripts(NamedTuple):
    """The scripts, which import each other by their bare names."""

    environment: ModuleType
    tools: ModuleType
    report: ModuleType
    compare: ModuleType
    learning_curve: ModuleType
    time_to_quality: ModuleType


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Scripts:
    monkeypatch.syspath_prepend(str(PEERS))
    for name in Scripts._fields:
        monkeypatch.delitem(sys.modules, name, raising=False)
    return Scripts(*map(import_module, Scripts._fields))


class Outcome(NamedTuple):
    """What a user sees of a comparison."""

    error: str | int | None
    printed: str


class Comparison:
    """`compare.py` with pretending tools, in one folder."""

    def __init__(
        self,
        folder: Path,
        scripts: Scripts,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.folder = folder
        self.out = folder / "out"
        self.dataset = write_synthetic_dataset("nuclei", folder / "set", count=IMAGES, size=SIZE).parent
        self._compare = scripts.compare
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def pretend(self, tool: str, broken: bool = False) -> Path:
        """An environment whose Python only pretends; the file with the calls it got."""
        return pretend(tool, self.folder / "cache", broken)

    def run(self, *options: str, script: ModuleType | None = None) -> Outcome:
        fixed = {"train": self.dataset, "test": self.dataset, "out": self.out, "cache": self.folder / "cache"}
        words = [word for name, value in fixed.items() for word in (f"--{name}", str(value))]
        self._monkeypatch.setattr(sys, "argv", ["compare.py", *words, *options])
        error = None
        try:
            (script or self._compare).main()
        except SystemExit as end:
            error = end.code if end.code else None
        except ValueError as wrong:
            error = str(wrong)
        return Outcome(error, self._capsys.readouterr().out)


@pytest.fixture
def comparison(
    tmp_path: Path, scripts: Scripts, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Comparison:
    return Comparison(tmp_path, scripts, monkeypatch, capsys)


def pretend(tool: str, cache: Path, broken: bool = False) -> Path:
    """An environment whose Python only pretends; the file with the calls it got."""
    python, calls = cache / tool / "bin" / "python", cache / f"{tool}.calls"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(PRETENDER.format(calls=str(calls), broken=broken))
    python.chmod(0o755)
    shutil.copy(PEERS / f"{tool}.txt", cache / tool / "ready.txt")
    return calls


def test_table_of_two_tools_and_no_work_twice(comparison: Comparison) -> None:
    calls = [comparison.pretend(tool) for tool in ("stardist", "cellpose")]
    options = ("--tools", "stardist", "cellpose", "--repeats")
    assert comparison.run(*options, "1").error is None
    again = comparison.run(*options, "2")
    assert [file.read_text().split() for file in calls] == [["train", "predict", "predict"]] * 2
    table = [line.split(" | ") for line in again.printed.splitlines()]
    assert [line[0] for line in table] == ["| tool", "| ---", "| stardist", "| cellpose"]
    found = dict(zip([name.strip("| ") for name in table[0]], table[2], strict=True))
    assert found["Dice"] == found["F1 at IoU 0.5"] == "1.000 (1.000 to 1.000)"
    megapixels = math.prod(SIZE) / 1e6
    assert found["s/MP in total"] == f"{0.016 / megapixels:.2f}"
    assert found["network"] == f"{0.010 / megapixels:.2f}"
    assert (comparison.out / "table.md").read_text() == again.printed


def test_an_interrupted_training_begins_anew(comparison: Comparison) -> None:
    calls = comparison.pretend("stardist")
    left_over = comparison.out / "stardist" / "model"
    left_over.mkdir(parents=True)
    (left_over / "half").touch()
    assert comparison.run("--tools", "stardist", "--repeats", "1").error is None
    assert calls.read_text().split() == ["train", "predict"]
    assert not (left_over / "half").exists()


def test_a_tool_that_fails_does_not_stop_the_others(comparison: Comparison) -> None:
    comparison.pretend("stardist", broken=True)
    comparison.pretend("cellpose")
    outcome = comparison.run("--tools", "stardist", "cellpose", "--repeats", "1")
    log = comparison.out / "stardist" / "model.log"
    assert outcome.error == f"stardist failed: exit code 1; the reason is in {log}"
    assert log.read_text().strip() == "no luck"
    assert "| cellpose | " in outcome.printed


def test_another_comparison_is_not_mixed_in(comparison: Comparison) -> None:
    comparison.pretend("stardist")
    assert comparison.run("--tools", "stardist", "--budget", "5").error is None
    assert "choose another --out" in str(comparison.run("--tools", "stardist", "--budget", "6").error)


def test_learning_curve_of_two_tools(comparison: Comparison, scripts: Scripts) -> None:
    for tool in ("stardist", "cellpose"):
        comparison.pretend(tool)
    options = ("--tools", "stardist", "cellpose", "--repeats", "1", "--counts")
    outcome = comparison.run(*options, "10,5", script=scripts.learning_curve)
    assert outcome.error is None
    rows = [
        "| images | stardist | cellpose |",
        "|---|---|---|",
        "| 5 | 1.000 | 1.000 |",
        "| 10 | 1.000 | 1.000 |",
    ]
    assert outcome.printed.splitlines()[-4:] == rows
    few, many = (
        {Path(image).stem for image, _ in job["train"] + job["validation"]}
        for count in (5, 10)
        for job in [json.loads((comparison.out / f"images_{count}/stardist/model.json").read_text())]
    )
    assert (len(few), few < many) == (5, True)
    assert "Score by number of training images" in (comparison.out / "report.html").read_text()


@pytest.mark.parametrize(
    ("validated", "found", "told"), [([0.4, 1.0], False, "1"), ([0.4], True, "77"), ([0.4], False, "never")]
)
def test_ours_is_as_good_by_a_validation_or_in_the_end(
    comparison: Comparison, scripts: Scripts, validated: list[float], found: bool, told: str
) -> None:
    comparison.pretend("stardist")
    comparison.run("--tools", "stardist", "--repeats", "1")  # finds all
    ours = comparison.out / "ours"
    (ours / "labels_0").mkdir(parents=True)
    (ours / "labels_0/done.json").write_text("{}")
    for file in (comparison.dataset / "labels").iterdir():
        (ours / "labels_0/labels").mkdir(exist_ok=True)
        tifffile.imwrite(ours / "labels_0/labels" / file.name, tifffile.imread(file) * np.int32(found))
    began = time.time()
    record = {"seconds": 77.0, "calibration": 0.0, "began": began}
    (ours / "trained.json").write_text(json.dumps(record))
    with SummaryWriter(str(ours / "model/training/trained")) as events:
        for epoch, f1 in enumerate(validated):
            events.add_scalar("val_f1", f1, epoch, walltime=began + epoch)
    line = scripts.time_to_quality.line(comparison.out, comparison.out, comparison.folder / "cache")
    assert line.split(" | ")[1:3] == ["stardist", "1.000"]
    assert line.split(" | ")[4] == told


def test_learning_curve_needs_images_to_split(
    comparison: Comparison, scripts: Scripts, capsys: pytest.CaptureFixture[str]
) -> None:
    assert comparison.run("--counts", "4", script=scripts.learning_curve).error == 2


def test_jobs_hold_the_budget_and_each_image_once(comparison: Comparison) -> None:
    comparison.pretend("stardist")
    options = ("--budget", "7", "--threads", "3", "--seed", "4", "--repeats", "1")
    assert comparison.run("--tools", "stardist", *options).error is None
    job = json.loads((comparison.out / "stardist/model.json").read_text())
    assert (job["budget"], job["threads"], job["seed"]) == (7, 3, 4)
    assert len(job["train"]) == IMAGES - 2
    names = [Path(image).stem for image, _ in job["train"] + job["validation"]]
    assert sorted(names) == [f"nuclei_{number:03}" for number in range(IMAGES)]


@pytest.mark.slow
def test_ours_is_the_command_without_options(comparison: Comparison) -> None:
    options = ("--budget", "30", "--threads", "1", "--repeats", "1", "--ours", "--from none")
    assert comparison.run("--tools", "ours", *options).error is None
    assert (comparison.out / "ours/model/plan.json").is_file()
    assert "| ours |" in (comparison.out / "table.md").read_text()


def test_threads_are_the_same_for_all(scripts: Scripts) -> None:
    environment = scripts.environment.environment_of(2)
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    assert {environment[name] for name in names} == {"2"}
    with pytest.raises(ValueError, match="threads=0 must be at least 1"):
        scripts.environment.environment_of(0)


def test_environment_is_made_anew_when_its_requirements_change(scripts: Scripts, tmp_path: Path) -> None:
    environment = scripts.environment
    assert not environment.ready("stardist", tmp_path)
    pretend("stardist", tmp_path)
    assert environment.ready("stardist", tmp_path)
    (tmp_path / "stardist/ready.txt").write_text("stardist==0.1\n")
    assert not environment.ready("stardist", tmp_path)
    with pytest.raises(ValueError, match="tool='mesmer' has no requirements"):
        environment.requirements("mesmer")


@pytest.mark.parametrize("tool", ["stardist", "cellpose", "nnunet"])
def test_every_package_of_a_peer_is_pinned(tool: str) -> None:
    lines = (PEERS / f"{tool}.txt").read_text().splitlines()
    assert all("==" in line for line in lines if not line.startswith("#"))
    assert (PEERS / f"{tool}_runner.py").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["stardist", "cellpose", "nnunet"])
def test_the_true_peer_starts(scripts: Scripts, tool: str, tmp_path: Path) -> None:
    if not scripts.environment.ready(tool):
        pytest.skip(f"no environment of {tool}; benchmarks/peers/compare.py makes it")
    job = {
        "verb": "predict",
        "seed": 0,
        "threads": 1,
        "images": [],
        "model": str(tmp_path),
        "out": str(tmp_path),
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    words = [str(scripts.environment.python_of(tool)), str(PEERS / f"{tool}_runner.py"), "job.json"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert "FileNotFoundError" in done.stderr  # there is no model, and it does not fetch one


def test_scores_want_one_label_map_an_image(scripts: Scripts, comparison: Comparison, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 label maps of nuclei_000"):
        scripts.report.scores(tmp_path / "nothing", comparison.dataset)


def test_times_are_medians_by_megapixel_and_ratios_to_the_first(
    scripts: Scripts, comparison: Comparison, tmp_path: Path
) -> None:
    truth = comparison.dataset / "labels"
    runs = []
    for run, network in enumerate([1.0, 2.0, 30.0]):
        runs.append(tmp_path / str(run))
        shutil.copytree(truth, runs[-1] / "labels")
        table = pd.DataFrame({"image": [f"/there/nuclei_{number:03}.tif" for number in range(IMAGES)]})
        table.assign(read=0.1, network=network, postprocessing=0.2, write=0.3).to_csv(
            runs[-1] / "timing.csv", index=False
        )
    line = scripts.report.row("ours", 12.4, runs, comparison.dataset)
    megapixels = math.prod(SIZE) / 1e6
    assert line.seconds["network"] == pytest.approx(2 / megapixels)
    assert line.total == pytest.approx(2.6 / megapixels)
    assert line.dice == Estimate(1, 1, 1)
    assert line.cells == sum(len(np.unique(tifffile.imread(path))) - 1 for path in truth.iterdir())
    assert line.true_cells == line.cells
    twice = line._replace(tool="other", total=2 * line.total)
    ratios = [text.split(" | ")[-1] for text in scripts.report.render([line, twice]).splitlines()[2:]]
    assert ratios == ["1.00 |", "2.00 |"]
