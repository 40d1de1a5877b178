import sys
from pathlib import Path

import monai.bundle
import pytest
from fire.parser import DefaultParseValue
from monai.bundle import ConfigParser

from cellseg_monai.networks import PatchAttentionUNet
from cellseg_monai.runtime import check_options, plain_errors


@pytest.fixture
def train(tmp_path: Path) -> Path:
    file = tmp_path / "train.json"
    file.write_text('{"max_epochs": 9, "trainer": {"_target_": "Trainer", "amp": false}, "names": {"a": 1}}')
    return file


@pytest.mark.parametrize(
    "words",
    [
        ["--max_epochs", "5"],
        ["--max_epochs=5", "--logging_file", "x", "--tracking", "mlflow", "--meta_file", "y"],
        ["--trainer#amp", "True"],
        ["--trainer#amp", "@max_epochs"],
        ["--trainer#new_argument", "3"],
        ["--names#a", "2"],
        ["--trainer", "{'_target_': 'Other'}"],
    ],
    ids=" ".join,
)
def test_options_that_the_configuration_has_pass(train: Path, words: list[str]) -> None:
    check_options(["run", "--config_file", str(train), *words])


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["--max_epoch", "5"], "max_epoch"),
        (["--names#b", "5"], "names#b"),
        (["--max_epoch=5"], "max_epoch"),
        (["--trainre#amp", "True"], "trainre#amp"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_others_are_refused(train: Path, words: list[str], name: str) -> None:
    with pytest.raises(ValueError, match=f"command line: there is no id '{name}'"):
        check_options(["run", "--config_file", str(train), *words])


@pytest.mark.parametrize("folder", ["run #2", "run#2", "/data/run #2"])
def test_a_file_name_that_monai_would_change_is_refused(tmp_path: Path, folder: str) -> None:
    file = tmp_path / "inference.json"
    file.write_text('{"output_dir": "out"}')
    written = "$" + repr(folder.replace("#", "HASH")).replace("HASH", r"\x23")
    with pytest.raises(ValueError, match="reads '#' as a separator of ids; write --output_dir") as refused:
        check_options(["run", "--config_file", str(file), "--output_dir", folder])
    assert written in str(refused.value)
    check_options(["run", "--config_file", str(file), "--output_dir", written])
    config = ConfigParser({"output_dir": DefaultParseValue(written)})
    assert config.get_parsed_content("output_dir") == folder


@pytest.mark.parametrize("text", ["false", "no", "true"])
def test_text_is_no_yes_or_no(train: Path, text: str) -> None:
    with pytest.raises(ValueError, match=f"trainer#amp must be True or False, not the text '{text}'"):
        check_options(["run", "--config_file", str(train), "--trainer#amp", text])


def test_an_overlay_may_bring_the_id(train: Path, tmp_path: Path) -> None:
    (tmp_path / "more.json").write_text('{"limit": 1}')
    files = f"['{train}','{tmp_path / 'more.json'}']"
    check_options(["run", "--config_file", files, "--limit", "2"])


def test_the_file_of_arguments_counts(train: Path, tmp_path: Path) -> None:
    (tmp_path / "args.json").write_text(f'{{"config_file": "{train}", "max_epoch": 3}}')
    with pytest.raises(ValueError, match="'max_epoch'"):
        check_options(["run", "--args_file", str(tmp_path / "args.json")])


def test_other_commands_are_none_of_its_business() -> None:
    check_options(["ckpt_export", "--anything", "1"])
    check_options()  # this process is no command of monai.bundle


def test_the_hook_of_a_caller_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["my_own_program.py", "run"])
    before = sys.excepthook
    plain_errors()
    assert sys.excepthook is before


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "argv", [str(Path(monai.bundle.__file__).with_name("__main__.py")), "run"])
    plain_errors()


def told(error: BaseException, capsys: pytest.CaptureFixture[str]) -> str:
    sys.excepthook(type(error), error, error.__traceback__)
    return capsys.readouterr().err


@pytest.mark.usefixtures("hook")
def test_a_sentence_of_ours_is_all_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="channels") as caught:
        PatchAttentionUNet(2, 1, 1, channels=[])
    assert told(caught.value, capsys) == f"ValueError: {caught.value}\n"


@pytest.mark.usefixtures("hook")
def test_other_errors_keep_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    assert told(caught.value, capsys).startswith("Traceback (most recent call last)")
