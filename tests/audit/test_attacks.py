"""Published and other attacks by configurations: each is caught, and none runs."""

import contextlib
import json
import time

import pytest
from monai.bundle import ConfigParser

from cellseg_monai.audit import audit_files
from tests.audit.attacks import ONLY_JUDGED, RUN_BY_MONAI
from tests.audit.conftest import with_canary

ALL = RUN_BY_MONAI | ONLY_JUDGED


@pytest.mark.parametrize("name", RUN_BY_MONAI)
def test_monai_runs_it(name, canary):
    """Otherwise the tests below would show nothing."""
    parser = ConfigParser(with_canary(RUN_BY_MONAI[name], canary))
    with contextlib.suppress(Exception):  # what happens after the attack does not matter
        parser.get_parsed_content("x")
    for _ in range(100):  # processes of their own take a moment
        if canary.exists():
            return
        time.sleep(0.05)
    pytest.fail("no attack")


@pytest.mark.parametrize("file", ["configs/inference.json", "models/model.json"])
@pytest.mark.parametrize("name", ALL)
def test_caught(name, file, bundle, canary):
    (bundle / file).write_text(json.dumps(with_canary(ALL[name], canary)))
    audit = audit_files(bundle)
    assert file in {finding.file for finding in audit.refused}
    assert not canary.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"initialize": ["$__import__('os').system('touch CANARY')"]},  # GHSA-x6pr-233j-x5cw
        {"run": ["$@images.run()", "$open('CANARY', 'w')"]},
        {"finalize": ["$open('CANARY', 'w')"]},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("file", ["train.json", "inference.json", "choices.json", "metadata.json", "own.YML"])
def test_caught_in_each_file(change, file, bundle, canary):
    path = bundle / "configs" / file
    content = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(with_canary(content | change, canary)))
    assert {finding.file for finding in audit_files(bundle).refused} == {f"configs/{file}"}
    assert not canary.exists()


YAML = {
    "a tag that calls": "x: !!python/object/apply:os.system ['touch CANARY']",
    "a tag that names": "x: !!python/name:os.system",
    "a tag of its own": "x: !own 1",
    "a tag of text": "x: !!str $open",
    "a duplicate": "x: 1\nx: $open('CANARY', 'w')",
    "an entry in itself": "x: &a [*a]",
    "a bomb": "\n".join(
        ["a0: &a0 [1, 1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 11)]
    ),
    "a bomb of many": "x: &a [1]\ny: [" + ", ".join(["*a"] * 200) + "]",
    "two documents": "x: 1\n---\nx: $open('CANARY', 'w')",
    "a merge": "a: &a {_target_: os.system}\nx: {<<: *a, command: ls}",
    "not text": "\x00",
}


@pytest.mark.parametrize("name", YAML)
def test_caught_in_yaml(name, bundle, canary):
    (bundle / "configs/own.yaml").write_text(YAML[name].replace("CANARY", canary.as_posix()))
    assert {finding.file for finding in audit_files(bundle).refused} == {"configs/own.yaml"}
    assert not canary.exists()


@pytest.mark.parametrize("text", ['{"x": 1, "x": 2}', "{", "[" * 100_000, "\ufeff{}", '{"x": NaN'])
def test_caught_in_json(text, bundle):
    (bundle / "configs/own.json").write_text(text)
    assert {finding.file for finding in audit_files(bundle).refused} == {"configs/own.json"}


def test_imports_that_differ_between_files(bundle):
    (bundle / "configs/own.json").write_text(json.dumps({"imports": ["$import glob as dist"]}))
    assert "elsewhere in the bundle" in str(audit_files(bundle))
