"""Every dependency has a reason and a judged licence, and the wheel is the same bytes for everybody."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.utils import canonicalize_name

from tests.dependencies import EXTRAS, PROJECT, bill_of, direct, installed, is_permissive, licence

REPOSITORY = Path(__file__).parents[1]
PAGE = (REPOSITORY / "docs/explanation/dependencies.md").read_text()


def section(title: str) -> list[list[str]]:
    """Rows of the tables below a title."""
    text = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    return [row for row in rows if not set(row[0]) <= {"-"}]


REASONS = {canonicalize_name(row[0]): row for row in section("What the package needs")[1:]}
EXTRA_REASONS = [
    (row[0].strip("`"), canonicalize_name(row[1])) for row in section("What you can leave out")[1:]
]
BROUGHT_ALONG = {name for row in section("What these bring along") for name in row[1].split(", ")}


def test_each_dependency_has_a_reason_and_no_other() -> None:
    assert REASONS.keys() == {canonicalize_name(one.name) for one in direct()}
    assert all(all(row) for row in REASONS.values())


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_package_of_an_extra_has_a_reason(extra: str) -> None:
    optional = PROJECT["optional-dependencies"][extra]
    wanted = {canonicalize_name(re.split(r"[\[<>=!~ ]", line)[0]) for line in optional}
    wanted -= REASONS.keys()  # a bound for what the package needs anyway
    assert wanted == {name for where, name in EXTRA_REASONS if where == extra}


def test_what_they_bring_along_is_listed() -> None:
    known = BROUGHT_ALONG | REASONS.keys() | {name for _, name in EXTRA_REASONS}
    needs = installed(direct(extra for extra in EXTRAS if extra not in ("napari", "mlflow", "label")))
    more = {name for name in needs if not name.startswith(("nvidia-", "triton", "cuda-"))} - known
    assert not more, "give each a row in docs/explanation/dependencies.md"


def test_each_licence_that_asks_for_more_than_a_notice_is_judged() -> None:
    stated = {name: licence(package) for name, package in installed(direct(EXTRAS)).items()}
    without_metadata = {"bioimageio-core", "bioimageio-spec"}  # both have MIT's text
    asking = {name for name, text in stated.items() if not is_permissive(text)} - without_metadata
    asking = {name for name in asking if not name.startswith(("nvidia-", "triton", "cuda-"))}
    judged = {name for row in section("Are these licences a problem?")[2:] for name in row[1].split(", ")}
    assert asking <= judged
    assert asking >= {"edt", "fastremap", "tqdm"}


@pytest.mark.parametrize(
    ("text", "permissive"),
    [
        ("MIT", True), ("BSD-3-Clause AND CC0-1.0", True), ("Apache Software License", True), ("", False),
        ("LGPL-3.0-or-later", False), ("MPL-2.0 AND MIT", False), ("All rights reserved", False),
        ("GNU General Public License v3 (GPLv3)", False), ("NVIDIA Proprietary Software", False),
    ],
)  # fmt: skip
def test_which_licences_need_a_judgement(text: str, permissive: bool) -> None:
    assert is_permissive(text) == permissive


def test_a_bill_has_the_packages_of_the_product_alone() -> None:
    parts = [{"name": name, "bom-ref": f"{name}==1"} for name in ("torch", "SymPy", "pytest", "mkdocs")]
    links = [
        {"ref": "root-component", "dependsOn": ["torch==1", "pytest==1"]},
        {"ref": "torch==1", "dependsOn": ["SymPy==1", "mkdocs==1"]},
        {"ref": "pytest==1"},
    ]
    everything = {
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"bom-ref": "root-component"}},
        "components": parts,
        "dependencies": links,
    }
    bill = bill_of(everything, ["torch", "sympy"])
    assert [part["name"] for part in bill["components"]] == ["torch", "SymPy"]
    assert bill["dependencies"] == [
        {"ref": "root-component", "dependsOn": ["torch==1"]},
        {"ref": "torch==1", "dependsOn": ["SymPy==1"]},
    ]


def test_the_citation_names_this_version() -> None:
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert {"cff-version", "message", "title", "authors", "type"} <= citation.keys()


def build(source: Path, out: Path, **environment: str) -> Path:
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    inherited = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(words, cwd=source, env=inherited | environment, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    return wheel


def test_the_same_source_gives_the_same_wheel(tmp_path: Path) -> None:
    """Whatever the folder, the clock, the umask, the order on disk, and the files that runs leave behind."""
    parts = ("cellseg_monai", "bundles", "pyproject.toml", "README.md", "LICENSE", ".gitignore")
    for name, order in (("first", parts), ("a folder/second", parts[::-1])):
        for part in order:
            source, target = REPOSITORY / part, tmp_path / name / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".cellseg"))
            else:
                shutil.copy(source, target)
    second = tmp_path / "a folder/second"
    for file in second.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
        file.chmod(0o700 if file.is_dir() else 0o600)
    (second / "cellseg_monai/__pycache__").mkdir()
    (second / "cellseg_monai/__pycache__/a.pyc").write_bytes(b"left by a run")
    wheel = build(tmp_path / "first", tmp_path / "one")
    assert build(second, tmp_path / "two").read_bytes() == wheel.read_bytes()
    dated = build(second, tmp_path / "three", SOURCE_DATE_EPOCH="1700000000")
    with ZipFile(dated) as archive:
        assert {info.date_time[:3] for info in archive.infolist()} == {(2023, 11, 14)}
