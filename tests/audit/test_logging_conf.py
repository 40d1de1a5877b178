"""GHSA-wvpx-5qmp-46g3: Python's logging evaluates classes and arguments of ``logging.conf``."""

import pytest

from cellseg_monai.audit import audit_files

SOUND = """
[loggers]
keys=root
[handlers]
keys=a
[formatters]
keys=f
[logger_root]
handlers=a
[handler_a]
class=StreamHandler
args=(sys.stdout,)
formatter=f
[formatter_f]
format=%(message)s
"""

ATTACKS = {
    "arguments": ("args=(sys.stdout,)", "args=(open('CANARY', 'w'),)"),
    "arguments by name": ("args=(sys.stdout,)", "args=()\nkwargs={'stream': open('CANARY', 'w')}"),
    "a class": ("class=StreamHandler", "class=__import__('os').system('touch CANARY')"),
    "a file": ("class=StreamHandler\nargs=(sys.stdout,)", "class=FileHandler\nargs=('CANARY',)"),
    "a socket": (
        "class=StreamHandler\nargs=(sys.stdout,)",
        "class=handlers.SocketHandler\nargs=('a.org', 1)",
    ),
    "a formatter": ("format=%(message)s", "class=subprocess.Popen\nformat=%(message)s"),
    "interpolation": (
        "[handler_a]\nclass=StreamHandler\nargs=(sys.stdout,)",
        "[handler_a]\nclass=StreamHandler\nown=open('CANARY', 'w')\nargs=(%(own)s,)",
    ),
    "defaults": (
        "[handler_a]\nclass=StreamHandler\nargs=(sys.stdout,)",
        "[DEFAULT]\nargs=(open('CANARY', 'w'),)\n[handler_a]\nclass=StreamHandler",
    ),
    "attributes": ("sys.stdout", "sys.stdout.__class__"),
    "a duplicate": ("[handler_a]", "[handler_a]\nclass=NullHandler\n[handler_a]"),
    "an unknown name": ("%(message)s", "%(message)s\nclass=%(own)s"),
}


def test_sound(bundle):
    (bundle / "configs/logging.conf").write_text(SOUND)
    assert not audit_files(bundle).failed


@pytest.mark.parametrize("name", ATTACKS)
def test_caught(name, bundle, canary):
    old, new = ATTACKS[name]
    assert old in SOUND
    text = SOUND.replace(old, new).replace("CANARY", canary.as_posix())
    (bundle / "configs/logging.conf").write_text(text)
    assert {finding.file for finding in audit_files(bundle).refused} == {"configs/logging.conf"}
    assert not canary.exists()
