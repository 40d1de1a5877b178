import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellseg_monai.data.layouts.seg_npy import read_seg_npy

MASKS = np.array([[0, 1, 300]], np.uint16)


class Trap:
    """Its pickle makes a folder when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.folder,)


def test_what_cellpose_saves(tmp_path: Path) -> None:
    content = {
        "outlines": MASKS, "masks": MASKS, "filename": "a.tif", "ismanual": np.zeros(2, bool),
        "flows": [np.zeros((1, 3, 3), np.uint8), [], np.zeros((2, 1, 3))], "diameter": np.float32(30),
        "model_path": 0, "chan_choose": [0, 0],
        "normalize_params": {"percentile": [1.0, 99.0], "lowhigh": None},
    }  # fmt: skip
    np.save(tmp_path / "a_seg.npy", content)
    assert read_seg_npy(tmp_path / "a_seg.npy", (1, 3)).label_map.tolist() == MASKS.tolist()


def test_older_numpy(tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", {"masks": MASKS})
    header, _, _ = (tmp_path / "new.npy").read_bytes().partition(b"\n")
    text = pickle.dumps(np.array({"masks": MASKS}, dtype=object), protocol=2)
    older = text.replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in older
    (tmp_path / "old_seg.npy").write_bytes(header + b"\n" + older)
    assert read_seg_npy(tmp_path / "old_seg.npy", (1, 3)).label_map.tolist() == MASKS.tolist()


def test_nothing_is_called(tmp_path: Path) -> None:
    np.save(tmp_path / "a_seg.npy", {"masks": MASKS, "flows": Trap(tmp_path / "sprung")})
    with pytest.raises(
        ValueError, match=r"a_seg.npy cannot be read safely: it calls pathlib.*save the masks as PNG"
    ):
        read_seg_npy(tmp_path / "a_seg.npy", (1, 3))
    assert not (tmp_path / "sprung").exists()
    np.load(tmp_path / "a_seg.npy", allow_pickle=True)
    assert (tmp_path / "sprung").exists()  # the trap is a real one


@pytest.mark.parametrize("called", [np.ndarray, eval, np.load], ids=["ndarray", "eval", "load"])
def test_no_other_function_of_python_or_numpy(called: Any, tmp_path: Path) -> None:
    class Caller:
        def __reduce__(self) -> tuple[Any, ...]:
            return called, ("1",)

    np.save(tmp_path / "whole.npy", {"masks": MASKS})
    header, _, _ = (tmp_path / "whole.npy").read_bytes().partition(b"\n")
    (tmp_path / "a_seg.npy").write_bytes(header + b"\n" + pickle.dumps({"masks": Caller()}))
    with pytest.raises(ValueError, match=r"cannot be read safely: (it calls|'str' object is not callable)"):
        read_seg_npy(tmp_path / "a_seg.npy", (1, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (MASKS, "it is a plain array"),
        ({"flows": 1}, "'masks'"),
        ({"masks": np.zeros((2, 1, 3), int)}, r"masks of the shape \(2, 1, 3\), but the image has \(1, 3\)"),
        ({"masks": MASKS.T}, r"masks of the shape \(3, 1\), but the image has \(1, 3\)"),
    ],
    ids=["array", "no masks", "volume", "size"],
)
def test_refusals(content: Any, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "a_seg.npy", content)
    with pytest.raises(ValueError, match=message):
        read_seg_npy(tmp_path / "a_seg.npy", (1, 3))


def test_damaged(tmp_path: Path) -> None:
    (tmp_path / "a_seg.npy").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"a_seg\.npy cannot be read safely"):
        read_seg_npy(tmp_path / "a_seg.npy", (1, 3))
