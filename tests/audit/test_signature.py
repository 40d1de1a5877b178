"""A signed bundle is the one that the owner of the key has packed, to the last file."""

import base64
import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cellseg_monai.audit import audit_files, read_policy
from cellseg_monai.audit.keys import fingerprint, read_key, sign
from cellseg_monai.audit.signature import NotSigned
from cellseg_monai.bundling import pack_bundle, verify_bundle
from cellseg_monai.cli import main
from cellseg_monai.runtime import find_bundle
from cellseg_monai.runtime.trust import POLICY, Untrusted, require_trust


def make_key(folder: Path, name: str, kind: str = "ssh", passphrase: bytes | None = None) -> Path:
    """A private key, with its public key in a file that ends with .pub."""
    key = ed25519.Ed25519PrivateKey.generate()
    forms = {
        "ssh": (Encoding.PEM, PrivateFormat.OpenSSH, Encoding.OpenSSH, PublicFormat.OpenSSH),
        "pem": (Encoding.PEM, PrivateFormat.PKCS8, Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    }[kind]
    protection = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    (folder / name).write_bytes(key.private_bytes(*forms[:2], protection))
    public = key.public_key().public_bytes(*forms[2:])
    (folder / f"{name}.pub").write_bytes(public + b" lab@site\n" * (kind == "ssh"))
    return folder / name


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("lab", "other"):
        make_key(folder, name)
    return folder


@pytest.fixture(scope="module")
def signed(keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    assert main(["bundle", "pack", "skip_unet", "--out", str(out), "--sign", str(keys / "lab")]) == 0
    return out / "skip_unet.zip"


@pytest.fixture
def unpacked(signed: Path, tmp_path: Path) -> Path:
    with zipfile.ZipFile(signed) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "skip_unet"


def repacked(signed: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The zip with other contents; None leaves a file out."""
    with zipfile.ZipFile(signed) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = change(name.partition("/")[2], old.read(name))
            if content is not None:
                new.writestr(name, content)
    return target


def test_verify_names_the_signer(signed: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", "verify", str(signed), "--key", str(keys / "lab.pub")]) == 0
    told = capsys.readouterr().out
    with zipfile.ZipFile(signed) as archive:
        assert f"{len(archive.namelist()) - 2} files as signed by lab.pub (SHA256:" in told
    assert main(["bundle", "verify", str(signed), "--key", str(keys / "other.pub")]) == 1
    assert "not signed by a key that you trust (other.pub)" in capsys.readouterr().err
    both = [keys / "other.pub", keys / "lab.pub"]
    assert verify_bundle(signed, both).signer == "lab.pub"


def test_the_audit_passes_a_signed_bundle(signed: Path) -> None:
    assert not audit_files(signed).failed


def test_the_same_key_signs_the_same_bytes(signed: Path, keys: Path, tmp_path: Path) -> None:
    again = pack_bundle(find_bundle("skip_unet"), tmp_path, sign_with=keys / "lab")
    assert again.read_bytes() == signed.read_bytes()


CHANGES: dict[str, Callable[[str, bytes], bytes | None]] = {
    "config": lambda name, content: content + b" " if name == "configs/inference.json" else content,
    "weights": lambda name, content: content[:-1] + b"x" if name == "models/model.pt" else content,
    "settings": lambda name, content: b"{}" if name == "models/model.json" else content,
    "manifest": lambda name, content: content + b"\n" if name == "MANIFEST.sha256" else content,
    "file left out": lambda name, content: None if name == "LICENSE" else content,
    "no signature": lambda name, content: None if name.endswith(".sig") else content,
    "no manifest": lambda name, content: None if name == "MANIFEST.sha256" else content,
    "short signature": lambda name, content: content[:63] if name.endswith(".sig") else content,
    "long signature": lambda name, content: content + b"0" if name.endswith(".sig") else content,
    "empty signature": lambda name, content: b"" if name.endswith(".sig") else content,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_zip_is_refused(
    signed: Path, keys: Path, tmp_path: Path, change: Callable[[str, bytes], bytes | None]
) -> None:
    changed = repacked(signed, tmp_path / "skip_unet.zip", change)
    with pytest.raises(NotSigned):
        verify_bundle(changed, [keys / "lab.pub"])


@pytest.mark.parametrize("name", ["skip_unet/configs/more.json", "skip_unet/code.py", "outside.json"])
def test_a_file_that_is_not_signed_is_refused(signed: Path, keys: Path, tmp_path: Path, name: str) -> None:
    changed = repacked(signed, tmp_path / "skip_unet.zip", lambda _, content: content)
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr(name, b"{}")
    with pytest.raises(NotSigned, match=r"json|code"):
        verify_bundle(changed, [keys / "lab.pub"])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_second_entry_of_a_signed_name_is_refused(signed: Path, keys: Path, tmp_path: Path) -> None:
    changed = repacked(signed, tmp_path / "skip_unet.zip", lambda _, content: content)
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("skip_unet/configs/inference.json", b"{}")
    with pytest.raises(NotSigned, match="two entries have this name"):
        verify_bundle(changed, [keys / "lab.pub"])


def test_an_unpacked_bundle_is_verified_too(unpacked: Path, keys: Path) -> None:
    assert verify_bundle(unpacked, [keys / "lab.pub"]).signer == "lab.pub"
    (unpacked / "models/model.pt").write_bytes(b"others")
    with pytest.raises(NotSigned, match=r"models/model\.pt: not as it was signed"):
        verify_bundle(unpacked, [keys / "lab.pub"])


def test_a_link_in_a_folder_is_refused(unpacked: Path, keys: Path) -> None:
    (unpacked / "scripts").symlink_to("configs")
    with pytest.raises(NotSigned, match="scripts"):
        verify_bundle(unpacked, [keys / "lab.pub"])


@pytest.mark.parametrize("kind", ["ssh", "pem"])
@pytest.mark.parametrize("passphrase", [None, b"secret"], ids=["open", "protected"])
def test_keys_of_openssh_and_openssl(
    tmp_path: Path, kind: str, passphrase: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda prompt: "secret")
    private = make_key(tmp_path, "key", kind, passphrase)
    public = ed25519.Ed25519PublicKey.from_public_bytes(_raw(private.with_suffix(".pub"), kind))
    public.verify(sign(b"manifest", private), b"manifest")  # raises if it is another signature
    monkeypatch.setattr("getpass.getpass", lambda prompt: "wrong")
    if passphrase is not None:
        with pytest.raises(ValueError, match=r"key: not a private key, or the passphrase is wrong"):
            sign(b"manifest", private)


def _raw(file: Path, kind: str) -> bytes:
    """The 32 bytes of a public key, at the end of both formats."""
    lines = file.read_text().split("\n")
    return base64.b64decode(file.read_text().split()[1] if kind == "ssh" else lines[1])[-32:]


def test_fingerprint_is_that_of_ssh_keygen() -> None:
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github"
    assert fingerprint(read_key(line)) == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_wrong_keys_are_named(signed: Path, keys: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ssh-keygen -t ed25519"):
        sign(b"", tmp_path / "absent")
    with pytest.raises(ValueError, match=r"lab\.pub: not a private key"):
        sign(b"", keys / "lab.pub")
    with pytest.raises(ValueError, match="lab: not a public key"):
        verify_bundle(signed, [keys / "lab"])
    curve = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "curve").write_bytes(curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="curve: not an Ed25519 key"):
        sign(b"", tmp_path / "curve")
    with pytest.raises(ValueError, match="no key is given"):
        verify_bundle(signed)


def policy(folder: Path, **content: object) -> Path:
    (folder / "site.yaml").write_text(json.dumps(content))
    return folder / "site.yaml"


def test_a_policy_that_allows_signed_bundles_only(
    unpacked: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned = shutil.copytree(unpacked, tmp_path / "unsigned")
    (unsigned / "MANIFEST.sha256.sig").unlink()
    line = (keys / "lab.pub").read_text().strip()
    for key in (os.path.relpath(keys / "lab.pub", tmp_path), line):
        monkeypatch.setenv(POLICY, str(policy(tmp_path, keys=[key], signed_only=True)))
        require_trust(unpacked)
        for trust in (False, True):  # the site decides, not who types the command
            with pytest.raises(Untrusted, match=r"not signed.*site\.yaml allows signed bundles only"):
                require_trust(unsigned, trust=trust)
    with pytest.raises(Untrusted, match="not signed"):
        require_trust(unpacked / "models/model.pt")
    require_trust(find_bundle("skip_unet"))
    monkeypatch.setenv(POLICY, str(policy(tmp_path, keys=["keys/other.pub"], signed_only=False)))
    with pytest.raises(FileNotFoundError, match=r"keys/other\.pub"):
        require_trust(unsigned)
    monkeypatch.setenv(POLICY, str(policy(tmp_path, keys=[str(keys / "other.pub")])))
    require_trust(unsigned)
    with pytest.raises(NotSigned):
        verify_bundle(unpacked)


def test_a_signature_does_not_replace_the_audit(keys: Path, tmp_path: Path, monkeypatch) -> None:
    """A key tells who made a bundle, not that it does no harm."""
    bundle = shutil.copytree(find_bundle("skip_unet"), tmp_path / "evil")
    file = bundle / "configs/train.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"more": {"_target_": "os.system"}}))
    names = sorted(path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file())
    hashes = {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in names}
    manifest = "".join(f"{digest}  {name}\n" for name, digest in hashes.items()).encode()
    (bundle / "MANIFEST.sha256").write_bytes(manifest)
    (bundle / "MANIFEST.sha256.sig").write_bytes(sign(manifest, keys / "lab"))
    verify_bundle(bundle, [keys / "lab.pub"])
    monkeypatch.setenv(POLICY, str(policy(tmp_path, keys=[str(keys / "lab.pub")], signed_only=True)))
    with pytest.raises(Untrusted, match=r"os\.system"):
        require_trust(bundle)
    require_trust(bundle, trust=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"signed_only": True}, "signed_only needs keys"),
        ({"signed_only": "yes"}, "signed_only must be true or false, not 'yes'"),
        ({"keys": "lab.pub"}, "keys must be a list"),
        ({"signers": []}, "signers must be one of .*keys, signed_only"),
    ],
    ids=["no keys", "no truth", "no list", "unknown"],
)
def test_a_policy_with_a_mistake(tmp_path: Path, content: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_policy(policy(tmp_path, **content))
