"""A published folder to fill by hand, and the import of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellseg_monai.data.layouts import ImportReport, import_dataset


@dataclass(frozen=True)
class Imported:
    folder: Path
    report: ImportReport

    @property
    def dataset(self) -> dict[str, Any]:
        return json.loads(self.report.dataset.read_text(encoding="utf-8"))

    def label(self, name: str) -> np.ndarray:
        return tifffile.imread(self.folder / "labels" / f"{name}.tif")

    def failures(self) -> dict[str, str]:
        return {failure.file.name: failure.reason for failure in self.report.failures}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


@pytest.fixture
def put(source: Path) -> Callable[..., Path]:
    """Write rows of pixels to a file of the published folder; text and bytes as they are."""

    def write(name: str, content: Any, dtype: str = "uint8") -> Path:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        elif path.suffix in (".tif", ".tiff"):
            tifffile.imwrite(path, np.asarray(content, dtype))
        else:
            Image.fromarray(np.asarray(content, dtype)).save(path)
        return path

    return write


@pytest.fixture
def run(source: Path, tmp_path: Path) -> Callable[[str], Imported]:
    """Import the published folder in a layout."""

    def import_it(layout: str) -> Imported:
        return Imported(tmp_path / "plain", import_dataset(layout, source, tmp_path / "plain"))

    return import_it
