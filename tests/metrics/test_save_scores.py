from pathlib import Path

import pytest
from ignite.engine import Engine

from cellseg_monai.metrics import ScoresSaver


def evaluate(saver: ScoresSaver, dice: float) -> None:
    evaluator = Engine(lambda engine, batch: None)
    saver.attach(evaluator)
    evaluator.state.metrics["dice"] = dice
    evaluator.run([0])


def test_tables_of_an_earlier_evaluation_are_replaced(tmp_path: Path) -> None:
    saver = ScoresSaver(tmp_path)
    for dice in (0.5, 0.25):
        evaluate(saver, dice)
        assert (tmp_path / "metrics.csv").read_text() == f"dice,{dice}\n"


def test_another_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"metrics\.csv"):
        evaluate(ScoresSaver(tmp_path), 0.5)
    assert (tmp_path / "metrics.csv").read_text() == "mine"
