"""A run writes into its folder alone, and over nothing but what an earlier run of the same work has left."""

import json
import os
import shutil
from pathlib import Path

import pytest

from cellseg_monai.outputs import claim_file, claim_outputs, require_free, write_text


def run(
    folder: Path, work: str = "predict", name: str = "labels/a.tif", content: str = "cells", **more: object
) -> None:
    with claim_outputs(folder, work, [name], **more):  # type: ignore[arg-type]
        write_text(folder / name, content)


def test_the_same_work_again(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, content="other cells")
    assert (tmp_path / "labels/a.tif").read_text() == "other cells"


def test_a_file_of_somebody_else(tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    for name in "ab":
        (tmp_path / f"labels/{name}.tif").write_text("truth")
    with (
        pytest.raises(
            FileExistsError, match=r"a\.tif exists, but is not .* 'predict' .*1 more file.*another output"
        ),
        claim_outputs(tmp_path, "predict", ["labels/a.tif", "labels/b.tif", "labels/c.tif"]),
    ):
        raise AssertionError("must not start")
    assert (tmp_path / "labels/a.tif").read_text() == "truth"


def test_the_result_of_other_work(tmp_path: Path) -> None:
    run(tmp_path, "synthesize")
    with pytest.raises(FileExistsError, match="is not the result of an earlier 'predict'"):
        run(tmp_path)


def test_a_result_that_was_corrected_by_hand(tmp_path: Path) -> None:
    run(tmp_path)
    (tmp_path / "labels/a.tif").write_text("corrected")
    with pytest.raises(FileExistsError, match="was changed since an earlier 'predict' wrote it"):
        run(tmp_path)


def test_the_result_of_another_image(tmp_path: Path) -> None:
    run(tmp_path, sources={"labels/a.tif": "/day1/a.png"})
    run(tmp_path, sources={"labels/a.tif": "/day1/a.png"})
    with pytest.raises(FileExistsError, match=r"was made from another input, /day1/a\.png"):
        run(tmp_path, sources={"labels/a.tif": "/day2/a.png"})


@pytest.mark.parametrize("how", ["the same path", "a hard link", "a symbolic link"])
def test_an_input(how: str, tmp_path: Path) -> None:
    run(tmp_path)  # even if an earlier run wrote it
    target, given = tmp_path / "labels/a.tif", tmp_path / "given.tif"
    if how == "a hard link":
        os.link(target, given)
    elif how == "a symbolic link":
        given.symlink_to(target)
    with pytest.raises(FileExistsError, match="would overwrite the input"):
        run(tmp_path, inputs=[target if how == "the same path" else given])


@pytest.mark.parametrize("name", ["../a.tif", "labels/../../a.tif", "/tmp/a.tif", "link/a.tif", "..", "."])
def test_a_name_that_leads_out(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "link").symlink_to(tmp_path)
    with (
        pytest.raises(ValueError, match="leads out of the output folder"),
        claim_outputs(out, "predict", [name]),
    ):
        raise AssertionError("must not start")
    with pytest.raises(ValueError, match="leads out"), claim_outputs(out, "predict") as claim:
        claim.add([name])


def test_a_killed_run_is_gone_on_with(tmp_path: Path) -> None:
    """Its journal says what it was about to write, so that a result without a hash is known as ours."""
    with claim_outputs(tmp_path, "predict") as claim:
        claim.add(["a.tif", "b.tif"], begin=False)
        claim.begin(["a.tif"])
        write_text(tmp_path / "a.tif", "cells")
        shutil.copytree(tmp_path / ".cellseg", tmp_path / "as it was when the run was killed")
        claim.finish(["a.tif"])
    shutil.rmtree(tmp_path / ".cellseg")
    (tmp_path / "as it was when the run was killed").rename(tmp_path / ".cellseg")
    with (tmp_path / ".cellseg/written.jsonl").open("a") as journal:
        journal.write('{"file": "b.ti')  # a line that was cut
    with claim_outputs(tmp_path, "predict", ["a.tif", "b.tif"]):
        pass
    lines = (tmp_path / ".cellseg/written.jsonl").read_text().splitlines()
    assert {json.loads(line)["file"] for line in lines} == {"a.tif", "b.tif"}


def test_results_that_a_run_no_longer_has(tmp_path: Path) -> None:
    run(tmp_path, "measure", "neighbours.csv")
    run(tmp_path, "predict", "labels/a.tif")
    (tmp_path / "of the user.csv").write_text("")
    run(tmp_path, "measure", "cells.csv", complete=True)
    left = sorted(
        path.name for path in tmp_path.rglob("[!.]*") if path.is_file() and path.parent.name != ".cellseg"
    )
    assert left == ["a.tif", "cells.csv", "of the user.csv"]


def test_results_of_an_earlier_run_stay_if_this_one_fails(tmp_path: Path) -> None:
    run(tmp_path, "measure", "neighbours.csv")
    with (
        pytest.raises(RuntimeError, match="damaged"),
        claim_outputs(tmp_path, "measure", ["cells.csv"], complete=True),
    ):
        raise RuntimeError("damaged")
    assert (tmp_path / "neighbours.csv").exists()


def test_a_folder_as_result(tmp_path: Path) -> None:
    for content in ("cells", "other cells"):
        with claim_outputs(tmp_path, "convert", ["a.ome.zarr"]):
            write_text(tmp_path / "a.ome.zarr/.zattrs", content)
    write_text(tmp_path / "a.ome.zarr/0/0", "drawn by hand")
    with (
        pytest.raises(FileExistsError, match="was changed"),
        claim_outputs(tmp_path, "convert", ["a.ome.zarr"]),
    ):
        raise AssertionError("must not start")


def test_a_single_file(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_text("mine")
    with (
        pytest.raises(FileExistsError, match=r"photo\.png exists"),
        claim_file(tmp_path / "photo.png", "preview"),
    ):
        raise AssertionError("must not start")


def test_what_may_not_be_written_is_told_before_the_work(tmp_path: Path) -> None:
    require_free(tmp_path / "new", "evaluate", ["scores.csv"])
    assert not (tmp_path / "new").exists()
    (tmp_path / "scores.csv").write_text("mine")
    with pytest.raises(FileExistsError, match="is not the result of an earlier 'evaluate'"):
        require_free(tmp_path, "evaluate", ["scores.csv"])
