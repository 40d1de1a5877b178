"""The command as a user types it: output, exit codes, and one sentence for an error."""

import hashlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.cli.command import VERBS
from cellseg_monai.cli.options import setting
from cellseg_monai.cli.verbs import Group, Verb
from cellseg_monai.studies import Study


def test_from_nothing_to_patches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, sheet = tmp_path / "data", tmp_path / "patches.png"
    assert main(["data", "synthesize", "phase", str(data), "--count", "3", "--size", "96", "128"]) == 0
    assert main(["data", "check", str(data)]) == 0
    assert (
        main(["data", "patches", str(data), "--out", str(sheet), "--patch-size", "64", "--count", "6"]) == 0
    )
    assert sheet.stat().st_size > 0
    assert tifffile.imread(data / "images/phase_000.tif").shape == (96, 128)
    assert "3 images, 0 errors" in capsys.readouterr().out


def test_check_fails_on_errors_and_speaks_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8))
    assert main(["data", "check", str(tmp_path)]) == 1
    assert "ERROR blank image (1): remove the image" in capsys.readouterr().out
    assert main(["data", "check", str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["findings"][0]["check"] == "blank image"


def test_check_looks_into_sub_folders_when_told(tmp_path: Path) -> None:
    (tmp_path / "images/p1").mkdir(parents=True)
    tifffile.imwrite(tmp_path / "images/p1/a.tif", np.arange(4096, dtype=np.uint16).reshape(64, 64))
    assert main(["data", "check", str(tmp_path)]) == 1
    assert main(["data", "check", str(tmp_path), "--recursive"]) == 0


def test_import_of_a_public_layout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, value in (("images", 1), ("masks", 2)):
        (tmp_path / "set/train" / folder).mkdir(parents=True)
        tifffile.imwrite(tmp_path / "set/train" / folder / "a.tif", np.full((8, 9), value, np.uint8))
    assert main(["data", "import", "stardist", str(tmp_path / "set"), str(tmp_path / "plain")]) == 0
    assert "1 training" in capsys.readouterr().out
    assert tifffile.imread(tmp_path / "plain/labels/train_a.tif").dtype == np.int32


def test_layouts_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "layouts"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"bcss", "bcss512", "cellpose", "ctc", "dsb2018", "livecell"} < set(listed)


def test_verbs_about_data_do_not_wait_for_monai(tmp_path: Path) -> None:
    verbs = [["synthesize", "nuclei", str(tmp_path), "--count", "1"], ["check", str(tmp_path)], ["layouts"]]
    code = (
        "import sys; from cellseg_monai.cli import main\n"
        f"assert [main(['data', *verb]) for verb in {verbs}] == [0, 0, 0]\n"
        "assert not {'monai', 'torch'} & set(sys.modules)\n"
        "from cellseg_monai.data import MicroscopyReader; assert 'monai' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_reader_who_has_seen_enough_is_no_error() -> None:
    verb = subprocess.Popen(
        [sys.executable, "-m", "cellseg_monai.cli", "data", "layouts"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    verb.stdout.close()
    assert verb.stderr.read() == b""
    assert verb.wait() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "{folder}/nowhere"], "nowhere: there is no such folder or file"),
        (["import", "kaggle", "{folder}", "{folder}/plain"], "kaggle"),
        (["synthesize", "yeast", "{folder}/data"], "there is no synthetic kind 'yeast'"),
        (["patches", "{folder}", "--out", "{folder}/a.png"], "no image found"),
    ],
    ids=["check", "import", "synthesize", "patches"],
)
def test_an_error_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["data", *(argument.format(folder=tmp_path) for argument in arguments)]) == 1
    complaint = capsys.readouterr().err
    assert message in complaint
    assert complaint.startswith("cellseg: error: ")
    assert "Traceback" not in complaint


def test_the_cause_of_a_failed_transform_is_what_the_user_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((64, 64), np.nan, np.float32))
    tifffile.imwrite(tmp_path / "a_mask.tif", np.ones((64, 64), np.uint8))
    assert main(["data", "patches", str(tmp_path), "--out", str(tmp_path / "a.png")]) == 1
    assert "a.tif has 4096 NaN or infinite pixels" in capsys.readouterr().err


def test_help_answers_without_loading_the_libraries() -> None:
    script = (
        "import sys; from cellseg_monai.cli.command import _parser; _parser(); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        main(["data", "check", str(tmp_path / "nowhere"), "--debug"])


def test_an_error_that_nobody_foresaw_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cellseg_monai.planning.check_for_training", lambda source: 1 / 0)
    assert main(["data", "check", "anything"]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("cellseg: unexpected error: ZeroDivisionError: division by zero\n")
    assert "--debug shows where" in complaint
    assert "`cellseg doctor`" in complaint


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("scale=abc", "scale must be a number such as 1.0, not 'abc'"),
        ("tta=maybe", "tta must be True or False, not the text 'maybe'"),
        ("percentiles=3", "percentiles must be a list such as [1.0, 99.0], not 3"),
    ],
)
def test_a_value_of_another_kind_is_told_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], setting: str, message: str
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8))
    out = ["--out", str(tmp_path / "out"), "--set", setting]
    assert main(["predict", "patch_attention_unet", str(tmp_path / "a.tif"), *out]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
    assert "usage: cellseg" in capsys.readouterr().err


def test_evaluate_and_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    assert main(["data", "synthesize", "nuclei", str(data), "--count", "2", "--size", "64", "64"]) == 0
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    truth = ["--truth", str(data), "--out", str(out), "--weights", str(weights)]
    assert main(["evaluate", "--pred", str(data / "labels"), *truth, "--metrics", "dice", "f1@0.75"]) == 0
    record = json.loads((out / "summary.json").read_text())["provenance"]
    assert record["weights"]["sha256"] == hashlib.sha256(b"weights").hexdigest()
    assert "f1@0.75" in capsys.readouterr().out
    again = ["--truth", str(data), "--out", str(tmp_path / "json"), "--metrics", "dice", "--json"]
    assert main(["evaluate", "--pred", str(data / "labels"), *again]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["dice"]["mean"]["value"] == 1
    assert main(["report", str(out), "--out", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").stat().st_size > 10_000


def test_evaluate_fails_on_a_missing_prediction(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("pred/a.png", "truth/a.tif", "truth/b.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.array([[1, 0], [0, 2]], np.uint8)).save(tmp_path / name)
    folders = [f"--{part}={tmp_path / part}" for part in ("pred", "truth", "out")]
    assert main(["evaluate", *folders]) == 1
    assert "no prediction, counted as empty (1): b" in capsys.readouterr().out
    assert main(["evaluate", *folders, "--metrics", "dize"]) == 1
    assert "'dize' is not a metric; choose from dice" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "pred"), "--out", str(tmp_path / "a.html")]) == 1
    assert "nothing to report" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("tta=true", True),
        ("tta=False", False),
        ("folds=null", None),
        ("classes={'0': 0}", {"0": 0}),
        ("loss=@losses#bce", "@losses#bce"),
        ("name=a=b", "a=b"),
    ],
)
def test_settings_are_written_as_python_or_json(text: str, value: object) -> None:
    assert setting(text) == (text.partition("=")[0], value)


def all_verbs() -> Iterator[Verb]:
    for verb in VERBS:
        yield from verb.verbs if isinstance(verb, Group) else [verb]


@pytest.mark.parametrize("verb", list(all_verbs()), ids=lambda verb: verb.name)
def test_every_argument_has_a_help_text(verb: Verb) -> None:
    assert verb.help
    for names, settings in verb.arguments:
        assert settings.get("help"), names


def called(verb: Verb) -> inspect.Signature | None:
    """Signature of the function that a verb calls directly, or of the method of a study."""
    target = verb.run.__name__
    if hasattr(Study, target):
        return inspect.signature(getattr(Study, target))
    module, _, name = target.rpartition(".")
    return inspect.signature(getattr(import_module(f"cellseg_monai.{module}"), name)) if module else None


@pytest.mark.parametrize("verb", [each for each in all_verbs() if called(each)], ids=lambda verb: verb.name)
def test_arguments_are_those_of_the_function_with_its_defaults(verb: Verb) -> None:
    parameters = called(verb).parameters
    shared = {"classes", *inspect.signature(Study).parameters} if "self" in parameters else set()
    for names, settings in verb.arguments:
        name = settings.get("dest", names[-1].lstrip("-").replace("-", "_"))
        assert name in parameters or name in shared
        default = re.search(r"default ([\d ,.]+)\)", settings["help"])
        if default and name in parameters:
            numbers = [float(number) for number in re.split("[ ,]", default[1])]
            expected = parameters[name].default
            assert numbers == [float(value) for value in np.atleast_1d(expected)]
