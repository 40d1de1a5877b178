"""Weights, programs, archives, names and links: what can do harm without any configuration."""

import hashlib
import io
import os
import pickle
import shutil
import stat
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

import cellseg_monai.label_maps
from cellseg_monai.audit import Severity, audit_files


class Opens:
    """An object whose pickle opens a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (str(self.file), "w")


class Frees:
    """An object whose pickle calls a part of the library that unpickles once more."""

    def __reduce__(self):
        return torch.storage._load_from_bytes, (b"",)


def saved(content, old=False):
    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=not old)
    return file.getvalue()


def weights(parts):
    """Zip with harmless weights and further pickles."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in [("a/data.pkl", 1), *parts]:
            archive.writestr(name, pickle.dumps(content))
    return file.getvalue()


def arrays(function, *content):
    file = io.BytesIO()
    function(file, *content)
    return file.getvalue()


def scripted():
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), file)
    return file.getvalue()


PICKLES = {
    # GHSA-6vm5-6jv9-rjpj, GHSA-p8cm-mm2v-gwjm: checkpoints; GHSA-89gg-p5r5-q6r4: algorithms in .pkl
    "a checkpoint": ("model.pt", lambda canary: saved({"a": Opens(canary)})),
    "an old checkpoint": ("model.pt", lambda canary: saved({"a": Opens(canary)}, old=True)),
    "an algorithm": ("algo_object.pkl", lambda canary: pickle.dumps({"algo_bytes": Opens(canary)})),
    "protocol 0": ("a.pkl", lambda canary: pickle.dumps(Opens(canary), 0)),
    "protocol 2": ("a.pkl", lambda canary: pickle.dumps(Opens(canary), 2)),
    "another name": ("labels.txt", lambda canary: pickle.dumps(Opens(canary))),
    "no name": ("model", lambda canary: pickle.dumps(Opens(canary), 2)),
    "one that is cut off": ("a.pkl", lambda canary: pickle.dumps(Opens(canary))[:-1]),
    "a second one": ("a.pkl", lambda canary: pickle.dumps(1, 2) + pickle.dumps(Opens(canary), 0)),
    "one of the tensors": ("a.pt", lambda canary: weights([("a/x.pkl", Opens(canary))])),
    "two of one name": ("a.pt", lambda canary: weights([("A/data.pkl", Opens(canary))])),
    "hidden in a part": ("a.pt", lambda canary: weights([("a/version", Opens(canary))])),
    "in a zip": ("a.zip", lambda canary: weights([("b.pkl", Opens(canary))])),
    "a computed name": ("a.pkl", lambda _: b"\x80\x04\x8c\x02osq\x00\x8c\x06systemq\x010h\x00h\x01\x93."),
    "a name on the stack": ("a.pkl", lambda _: b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R."),
    "INST": ("a.pkl", lambda _: b"(S'ls'\nios\nsystem\n."),
    "OBJ": ("a.pkl", lambda _: b"(cos\nsystem\nS'ls'\no."),
    "an extension": ("a.pkl", lambda _: b"\x80\x02\x82\x01."),
    "another unpickling": ("a.pt", lambda _: saved({"a": Frees()})),
    "a whole network": ("a.pt", lambda _: saved(torch.nn.Linear(1, 1))),
    "an array of objects": ("a.npy", lambda canary: arrays(np.save, np.array([Opens(canary)], object))),
    "arrays of objects": ("a.npz", lambda canary: arrays(np.savez, np.array([Opens(canary)], object))),
    "a broken array": ("a.npy", lambda _: b"\x93NUMPY\x01\x00\xff\xff{"),
    "a TorchScript program": ("model.pt", lambda _: scripted()),
    "broken safetensors": ("a.safetensors", lambda _: struct.pack("<Q", 2**60) + b"{}"),
    "a broken zip": ("a.pt", lambda _: b"PK\x03\x04" + b"\x00" * 40),
}  # fmt: skip


@pytest.mark.parametrize("name", PICKLES)
def test_caught_in_weights(name, bundle, canary):
    file, make = PICKLES[name]
    (bundle / "models" / file).write_bytes(make(canary))
    assert {finding.file for finding in audit_files(bundle).refused} == {f"models/{file}"}
    assert not canary.exists()


@pytest.mark.parametrize("name", ["a checkpoint", "an algorithm", "a TorchScript program"])
def test_caught_in_weights_alone(name, tmp_path, canary):
    file, make = PICKLES[name]
    (tmp_path / file).write_bytes(make(canary))
    assert audit_files(tmp_path / file).failed


@pytest.mark.parametrize(
    "content",
    [
        torch.nn.Conv2d(1, 2, 3).state_dict(),
        {"half": torch.ones(2, dtype=torch.bfloat16), "step": 3, "names": ["a"]},
        {"weight": torch.nn.Parameter(torch.ones(2))},
        OrderedDict(a=torch.ones(1)),
        torch.optim.Adam([torch.ones(1, requires_grad=True)]).state_dict(),
    ],
    ids=["state_dict", "plain", "parameter", "ordered", "optimizer"],
)
@pytest.mark.parametrize("old", [False, True])
def test_sound_weights(content, old, bundle):
    (bundle / "models/model.pt").write_bytes(saved(content, old))
    assert not audit_files(bundle).refused


def test_sound_arrays_and_programs_that_nothing_runs(bundle):
    (bundle / "models/a.npy").write_bytes(arrays(np.save, np.ones(3)))
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    (bundle / "models/a.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")
    (bundle / "models/model.ts").write_bytes(scripted())
    audit = audit_files(bundle)
    assert not audit.refused
    assert [finding.severity for finding in audit.findings if finding.file == "models/model.ts"] == [
        Severity.WARNING
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scripts/__init__.py", b""),
        ("torch.py", b"print(1)"),
        ("cellseg_monai/label_maps.py", b"print(1)"),
        ("a.so", b""),
        ("a.pyc", b""),
        ("docs/readme", b"\x7fELF\x02"),
        ("docs/a.txt", b"MZ\x90"),
        ("docs/run", b"#!/bin/sh\n"),
    ],
)
def test_programs(name, content, bundle):
    (bundle / name).parent.mkdir(exist_ok=True)
    (bundle / name).write_bytes(content)
    assert {finding.file for finding in audit_files(bundle).refused} == {name}


def test_the_package_itself_may_be_in_a_bundle(bundle):
    (bundle / "cellseg_monai").mkdir()
    (bundle / "cellseg_monai/label_maps.py").write_bytes(Path(cellseg_monai.label_maps.__file__).read_bytes())
    assert not audit_files(bundle).refused


def entry(name, content=b"{}", mode=0o100644, **changes):
    info = zipfile.ZipInfo(name)
    info.filename = info.orig_filename = name  # ZipInfo would make it harmless
    info.external_attr = mode << 16
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


NAMES = {
    # GHSA-9rg3-9pvr-6p27, GHSA-x6ww-pf9m-m73m: files outside of the folder
    "up": [entry("cells/../../evil.json")],
    "up on Windows": [entry("cells\\..\\..\\evil.json")],
    "absolute": [entry("/etc/evil.json")],
    "absolute on Windows": [entry("C:/evil.json")],
    "a drive": [entry("C:evil.json")],
    "a share": [entry("\\\\host\\share\\evil.json")],
    "a link": [entry("cells/a", b"/etc/passwd", stat.S_IFLNK | 0o777)],
    "a device": [entry("cells/a", b"", stat.S_IFCHR | 0o600)],
    "a pipe": [entry("cells/a", b"", stat.S_IFIFO | 0o600)],
    "case": [entry("cells/Model.json"), entry("cells/model.json")],
    "case of a folder": [entry("cells/A/a.json"), entry("cells/a/b.json")],
    "spelling": [entry("cells/\u00e9.json"), entry("cells/e\u0301.json")],
    "full width": [entry("cells/\uff21.json"), entry("cells/A.json")],
    "reserved": [entry("cells/aux.json")],
    "reserved without an ending": [entry("cells/COM1")],
    "a dot at the end": [entry("cells/a.json.")],
    "a space at the end": [entry("cells/a.json ")],
    "a stream": [entry("cells/a.json:b")],
    "a line": [entry("cells/a\n.json")],
    "an escape": [entry("cells/a\x1b[2K.json")],
    "an invisible letter": [entry("cells/a\u200b.json")],
    "the other direction": [entry("cells/a\u202enosj.py")],
    "an empty part": [entry("cells//a.json")],
    "twice": [entry("cells/a.json", b"{}"), entry("cells/a.json", b"[]")],
    "a bomb": [entry("cells/a.tif", b"\0" * 5_000_000, compress_type=zipfile.ZIP_DEFLATED)],
    "another compression": [entry("cells/a.json", compress_type=zipfile.ZIP_LZMA)],
}  # fmt: skip


def write_zip(path, entries):
    with zipfile.ZipFile(path, "w") as archive:
        for info, content in [entry("cells/configs/inference.json"), *entries]:
            archive.writestr(info, content)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", NAMES)
def test_caught_in_a_zip(name, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    audit = audit_files(write_zip(tmp_path / "cells.zip", NAMES[name]))
    assert audit.refused
    assert "\x1b" not in str(audit)
    assert sorted(tmp_path.rglob("*")) == [*before, tmp_path / "cells.zip"]


def test_sound_zip(tmp_path):
    assert not audit_files(write_zip(tmp_path / "cells.zip", [entry("cells/docs/é.md")])).findings


def test_entries_that_share_their_bytes(tmp_path):
    path = write_zip(tmp_path / "cells.zip", [entry("cells/b.json")])
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = bytes(4)  # both now begin at the first
    path.write_bytes(content)
    assert "share their bytes" in str(audit_files(path))


def test_an_encrypted_entry(tmp_path):
    path = write_zip(tmp_path / "cells.zip", [])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    assert "encrypted" in str(audit_files(path))


def test_a_file_outside_of_the_folder_hides_no_other(tmp_path):
    entries = [entry("cells/models/a.pkl", pickle.dumps(print)), entry("models/a.pkl", pickle.dumps(1))]
    audit = audit_files(write_zip(tmp_path / "cells.zip", entries))
    assert [finding.file for finding in audit.refused] == ["models/a.pkl"]


def test_no_zip(tmp_path):
    (tmp_path / "cells.zip").write_bytes(b"PK\x03\x04")
    assert audit_files(tmp_path / "cells.zip").failed


def test_links_in_a_folder(bundle, tmp_path):
    (tmp_path / "outside.json").write_text("{}")
    (bundle / "configs/inside.json").symlink_to("train.json")
    (bundle / "data").symlink_to(tmp_path)
    (bundle / "docs/a?.md").write_text("")
    audit = audit_files(bundle)
    assert not audit.refused
    assert {finding.file for finding in audit.findings} == {"configs/inside.json", "data", "docs/a?.md"}
    (bundle / "configs/outside.json").symlink_to(tmp_path / "outside.json")
    os.mkfifo(bundle / "docs/pipe")
    assert {finding.file for finding in audit_files(bundle).refused} == {"configs/outside.json", "docs/pipe"}


def test_manifest(bundle):
    assert not audit_files(bundle).findings
    names = sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())
    lines = [f"{hashlib.sha256((bundle / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (bundle / "MANIFEST.sha256").write_text("".join(lines))
    assert not audit_files(bundle).findings
    (bundle / "card.md").write_text("changed")
    (bundle / "LICENSE").unlink()
    (bundle / "docs/more.md").write_text("more")
    audit = audit_files(bundle)  # of a folder, in which a training changes files
    assert not audit.refused
    assert {finding.file for finding in audit.findings} == {"card.md", "LICENSE", "docs/more.md"}
    packed = audit_files(Path(shutil.make_archive(str(bundle), "zip", bundle.parent, bundle.name)))
    assert {finding.file for finding in packed.refused} == {"card.md", "LICENSE"}
    assert "warning: docs/more.md" in str(packed)


@pytest.mark.parametrize("path", ["../evil.pt", "/tmp/evil.pt", "C:evil.pt", ""])
def test_downloads_outside(path, bundle):
    text = f"large_files:\n- path: '{path}'\n  url: https://a.org/a\n  hash_val: '00'\n  hash_type: sha256\n"
    (bundle / "large_files.yml").write_text(text)
    assert {finding.file for finding in audit_files(bundle).refused} == {"large_files.yml"}


def test_downloads(bundle):
    text = "large_files:\n- path: card.md\n  url: http://a.org/a\n  hash_val: '00'\n  hash_type: md5\n"
    (bundle / "large_files.yml").write_text(text)
    shown = str(audit_files(bundle))
    assert "not encrypted" in shown
    assert "can be forged" in shown
    assert "another hash" in shown
