"""A bundle is found by its folder or by its name, in a checkout and in an installed wheel."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from cellseg_monai.bundling import pack
from cellseg_monai.runtime import find_bundle, known_bundles
from tests.bundles.reduced import BUNDLES, NARROW
from tests.conftest import REPOSITORY


def test_every_bundle_of_the_checkout_is_known() -> None:
    assert known_bundles() == {name: BUNDLES / name for name in sorted(NARROW)}


def test_a_path_that_is_there_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_bundle("skip_unet") == BUNDLES / "skip_unet"
    (tmp_path / "skip_unet").mkdir()
    assert find_bundle("skip_unet") == Path("skip_unet")
    assert find_bundle(tmp_path / "skip_unet") == tmp_path / "skip_unet"


@pytest.mark.parametrize("name", ["skip", "bundles/skip_unet", "_base"])
def test_another_name_is_refused_with_those_there_are(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"one of these names: attention_unetpp, .*, swin_unetr$"):
        find_bundle(name)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked as pip does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_has_the_bundles_and_finds_them(installed: Path, tmp_path: Path) -> None:
    code = "from cellseg_monai.runtime import known_bundles as k; print(*k().values(), sep='\\n')"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=installed, check=True, capture_output=True, text=True, timeout=120
    ).stdout
    assert told.split() == [str(installed / "cellseg_monai/_bundles" / name) for name in sorted(NARROW)]
    assert (installed / "cellseg_monai/_bundles/_base/train.yaml").is_file()  # for a bundle of one's own
    for bundle in map(Path, told.split()):
        there = {file.relative_to(bundle) for file in bundle.rglob("*") if file.is_file()}
        source = {
            file.relative_to(BUNDLES / bundle.name)
            for part in ("configs", "docs", "LICENSE")
            for file in [BUNDLES / bundle.name / part, *(BUNDLES / bundle.name / part).rglob("*")]
            if file.is_file()
        }
        assert source <= there


def test_a_vendored_package_leaves_the_bundles_out(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "_PACKAGE", installed / "cellseg_monai")
    places = [place for place, _ in pack._package_files()]
    assert "cellseg_monai/jobs/prediction.py" in places
    assert not [place for place in places if "_bundles" in place]
