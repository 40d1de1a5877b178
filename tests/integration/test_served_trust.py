"""The server starts with no bundle that the audit refuses."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cellseg_monai.runtime import find_bundle

pytestmark = pytest.mark.label

HOME = Path(__file__).parents[2]
MAKE = """
import sys
from pathlib import Path

from serve import make_app

make_app(Path(sys.argv[1]), ["cells"], Path(sys.argv[2]), {})
"""


def make(python: str, app: Path, bundles: Path, trust: bool) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-c", MAKE.format(trust), str(app), str(bundles)],
        cwd=HOME / "label", capture_output=True, text=True,
    )  # fmt: skip


def test_a_refused_bundle(label_python: str, tmp_path: Path) -> None:
    bundle, app, canary = tmp_path / "bundles/cells", tmp_path / "app", tmp_path / "canary"
    shutil.copytree(find_bundle("patch_attention_unet"), bundle)
    file = bundle / "configs/inference.json"
    config = json.loads(file.read_text()) | {"network_def": f"$exec(\"open('{canary}', 'w')\")"}
    file.write_text(json.dumps(config))
    (bundle / "models/model.pt").unlink()
    refused = make(label_python, app, bundle.parent, trust=False)
    assert refused.returncode
    assert "exec: this name is not on the list" in refused.stderr
    assert not (app / "model/cells").exists()
    shutil.copytree(bundle, app / "model/cells")  # one in the app folder of an earlier start
    assert "exec: this name is not on the list" in make(label_python, app, bundle.parent, trust=False).stderr
    assert not canary.exists()
    make(label_python, app, bundle.parent, trust=True)
    assert canary.exists()
