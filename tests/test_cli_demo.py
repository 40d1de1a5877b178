"""``cellseg demo``: its commands, of which the real ones run in `make demo`."""

from pathlib import Path

import pytest

from cellseg_monai.cli import command, main


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would be run; the first ``train`` fails."""
    seen: list[list[str]] = []

    def note(words: list[str]) -> int:
        seen.append(words)
        return 1 if words[0] == "train" and len([each for each in seen if each[0] == "train"]) == 1 else 0

    monkeypatch.setattr(command, "main", note)
    return seen


def test_it_trains_on_what_it_checks_and_scores_what_it_did_not_see(
    run: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "demo")
    assert main(["demo", "--out", out]) == 1
    assert [words[:2] for words in run[:2]] == [["data", "synthesize"]] * 2
    assert run[2] == ["data", "check", f"{out}/images"]
    assert run[3] == ["train", f"{out}/images", "--out", f"{out}/bundle", "--minutes", "2"]
    assert len(run) == 4, "a command that fails ends the demo"
    assert f"$ cellseg data check {out}/images" in capsys.readouterr().out
    assert main(["demo", "--out", out]) == 0
    assert run[-2] == ["predict", f"{out}/bundle", f"{out}/unseen", "--out", f"{out}/cells", "--overlay"]
    assert run[-1][:5] == ["evaluate", "--pred", f"{out}/cells/labels", "--truth", f"{out}/unseen"]


def test_images_of_ones_own(run: list[list[str]]) -> None:
    assert main(["demo", "--images", "annotated", "--minutes", "20"]) == 1
    assert run == [
        ["data", "check", "annotated"],
        ["train", "annotated", "--out", "demo/my_bundle", "--minutes", "20"],
    ]
