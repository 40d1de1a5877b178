import logging
import sys
from io import StringIO

import pytest
import torch

from cellseg_monai.inference import TiledInferer, progress_bar


class Terminal(StringIO):
    def isatty(self):
        return True


@pytest.fixture
def hurry(monkeypatch):
    """Any work is long."""
    monkeypatch.setattr(progress_bar, "SECONDS_BEFORE_BAR", 0.0)
    monkeypatch.setattr(progress_bar, "SECONDS_BETWEEN_LINES", -1.0)


def infer(shown):
    TiledInferer(16, overlap=0, batch_size=2, progress=shown)(
        torch.rand(1, 1, 64, 32), lambda windows: windows
    )


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("shown", [True, False])
def test_bar_on_a_terminal(monkeypatch, caplog, shown):
    caplog.set_level(logging.INFO)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    infer(shown)
    assert ("/8" in terminal.getvalue()) == shown
    assert not caplog.text


@pytest.mark.usefixtures("hurry")
@pytest.mark.parametrize("shown", [True, False])
def test_lines_elsewhere(monkeypatch, caplog, shown):
    caplog.set_level(logging.INFO)
    file = StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    infer(shown)
    assert ("window 2/8" in caplog.text) == shown
    assert ("window 8/8  0:00:00 left" in caplog.text) == shown
    assert not file.getvalue()


def test_short_work_says_nothing(monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    infer(True)
    assert not terminal.getvalue().strip()
    assert not caplog.text
