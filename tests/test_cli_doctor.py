"""``cellseg doctor``: what it finds, what is missing, and nothing of the user's home."""

import json
from importlib import metadata
from pathlib import Path

import pytest

from cellseg_monai.cli import doctor, main


def test_an_installation_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "home", lambda: tmp_path.parent)
    assert main(["doctor", "--json"]) == 0
    printed = capsys.readouterr().out
    found = json.loads(printed)
    assert found["installed"]["torch"] == metadata.version("torch")
    assert found["installed"].keys() > {"python", "cellseg-monai", "monai", "scikit-image"}
    assert found["required"] == "all installed"
    assert found["extras"]["tracking"] == "installed"
    assert found["machine"].keys() == {"system", "device", "half precision", "threads", "memory", "disk"}
    assert "GB free" in found["machine"]["disk"]
    assert found["self-test"].startswith("works; patch_attention_unet found ")
    assert str(tmp_path.parent) not in printed
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_comes_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [
        "numpy>=1.24",
        "scipy>=999",
        "absent>=2; extra == 'more'",
        "old; python_version < '3' and extra == 'more'",
    ]
    monkeypatch.setattr(metadata, "requires", lambda _: wanted)
    monkeypatch.setattr(metadata, "metadata", lambda _: FakeMetadata())
    monkeypatch.setattr(doctor, "MODEL", str(Path.home() / "absent_bundle"))
    assert main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert f'{"required":<25}missing: python -m pip install "scipy>=999"\n' in printed
    assert f'{"extra more":<25}missing: python -m pip install "absent>=2"\n' in printed
    assert "failed: FileNotFoundError" in printed
    assert "~/absent_bundle" in printed
    assert str(Path.home()) not in printed


class FakeMetadata:
    def get_all(self, name: str) -> list[str]:
        assert name == "Provides-Extra"
        return ["more", "dev"]
