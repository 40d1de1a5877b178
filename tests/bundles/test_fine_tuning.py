"""The recipe for fine-tuning on the cards, on real images."""

import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

import cellseg_monai as cs
from cellseg_monai.data import list_items
from tests.bundles.reduced import BUNDLES
from tests.forked.commands import run

NAME = "stemcell_unet"
"""Bundle whose decoding differs most from the default: a large least cell, a high threshold."""

SHORT = {"--minutes": "0.3"}


def recipe(card: Path) -> list[str]:
    """Words of the command under the heading *Fine-tune*, after ``python``."""
    section = re.search(r"## Fine-tune\n.*?```bash\n(.*?)```", card.read_text(), re.DOTALL)
    assert section
    return shlex.split(section[1].replace("\\\n", ""))[1:]


def f1(weights: Path, images: Path, out: Path) -> float:
    cs.predict(weights, [images / "images"], out)
    scores = cs.evaluate(out / "labels", images, out / "scores", metrics=["f1@0.5"]).summary["scores"]
    return float(scores["f1@0.5"]["mean"]["value"])


@pytest.mark.slow
def test_the_recipe_does_not_lower_the_score(real_data: Path, tmp_path: Path) -> None:
    """Without the calibrated decoding of the start, the F1 fell by 0.15."""
    phase = real_data / "tasks/phase"
    listed = [{key: item[key] for key in ("image", "label")} for item in list_items(phase / "train")[:6]]
    (tmp_path / "list.json").write_text(json.dumps({"training": listed}, default=str))
    unseen = tmp_path / "unseen"
    for kind in ("images", "masks"):
        (unseen / kind).mkdir(parents=True)
        for file in sorted((phase / "test" / kind).iterdir())[:3]:
            shutil.copy(file, unseen / kind)
    bundle = shutil.copytree(BUNDLES / NAME, tmp_path / NAME)
    tuned = tmp_path / "run"
    own = {"NEW_DATA": str(tmp_path / "list.json"), "NEW_RUN": str(tuned)}
    words = [own.get(word, word) for word in recipe(bundle / "docs/README.md")]
    for option, value in SHORT.items():
        words[words.index(option) + 1] = value
    done = run(words, bundle)
    assert done.returncode == 0, done.stderr[-4000:]
    before, after = (
        f1(weights, unseen, tmp_path / name)
        for name, weights in (("before", bundle / "models/model.pt"), ("after", tuned / "model.pt"))
    )
    assert before > 0.7
    assert after > before - 0.02
