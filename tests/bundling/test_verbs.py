"""``cellseg bundle``: output, exit codes, and one sentence for an error."""

from pathlib import Path

import pytest

from cellseg_monai.cli import main


def test_render_check_pack(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle / "configs/train.json").unlink()
    (bundle / "LICENSE").unlink()
    assert main(["bundle", "render", str(bundle.parent)]) == 0
    assert capsys.readouterr().out == f"{bundle}/configs/train.json\n"
    assert main(["bundle", "check", str(bundle.parent), "--trust"]) == 1
    assert f"{bundle}: 1 error\n" in capsys.readouterr().out
    (bundle / "LICENSE").write_text("free")
    assert main(["bundle", "check", str(bundle), "--trust"]) == 0
    assert f"{bundle}: 0 errors\n" in capsys.readouterr().out
    assert main(["bundle", "pack", str(bundle), "--out", str(tmp_path / "dist")]) == 0
    plain = (tmp_path / "dist/tiny.zip").stat().st_size
    assert capsys.readouterr().out == f"{tmp_path}/dist/tiny.zip\n"
    assert main(["bundle", "pack", str(bundle), "--out", str(tmp_path / "dist"), "--vendor"]) == 0
    assert (tmp_path / "dist/tiny.zip").stat().st_size > plain


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        ("render", "neither the folder nor a folder in it has a bundle.yaml"),
        ("check", "there is no such bundle; give its folder, or one of these names: attention_unetpp, "),
        ("pack", "there is no such bundle; give its folder, or one of these names: attention_unetpp, "),
    ],
)
def test_no_bundle_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, message: str
) -> None:
    assert main(["bundle", verb, str(tmp_path / "nowhere")]) == 1
    complaint = capsys.readouterr().err
    assert complaint.startswith("cellseg: error: ")
    assert message in complaint
    assert "Traceback" not in complaint
