"""A forked process is, to who started it, what an interpreter would be."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.forked.client import Process
from tests.forked.commands import CELLSEG, run, server, shims, start
from tests.forked.server import AS_OPENMP, READ_AT_START

SCRIPTS = {
    "nothing": "",
    "prints": "import sys; print('out'); print('err', file=sys.stderr); print('no newline', end='')",
    "exit code": "raise SystemExit(3)",
    "large exit code": "raise SystemExit(259)",
    "exit with words": "import sys; sys.exit('this is wrong')",
    "exit with nothing": "import sys; sys.exit()",
    "exception": "def f():\n    return 1 / 0\nf()",
    "hook for exceptions": "import sys\nsys.excepthook = lambda kind, error, _: print(kind, error)\n1 / 0",
    "work at the end": "import atexit; atexit.register(print, 'at the end'); raise SystemExit(2)",
    "thread": "import threading; threading.Timer(0.1, print, ['later']).start()",
    "abrupt end": "import os; print('lost'); os._exit(7)",
    "killed": "import os; print('told', flush=True); os.kill(os.getpid(), 9)",
    "terminated": "import os; os.kill(os.getpid(), 15)",
    "interrupted": (  # also where this test was started in the background, which ignores the signal
        "import os, signal; signal.signal(2, signal.default_int_handler); os.kill(os.getpid(), 2)"
    ),
    "words": "import sys; print(sys.argv, __name__, __file__, sys.path[0])",
    "input": "import sys; print(repr(sys.stdin.read()))",
    "folder": "import os; print(os.getcwd())",
    "environment": "import os; print(*sorted(os.environ), os.environ['ONE_MORE'])",
    "parent": "import os; print(os.getppid(), os.system(f'exit $(($PPID != {os.getpid()}))'))",
    "terminal": "import sys; print([s.isatty() for s in (sys.stdin, sys.stdout, sys.stderr)])",
    "child": "import os\nif os.fork() == 0:\n    raise SystemExit(1)\nprint(os.wait()[1])",
    "syntax error": "def f(:",
}
"""What a process can do, each printing what it sees of itself."""

SET_BY_LIBRARIES = {
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
    "KMP_DUPLICATE_LIB_OK": "True",
    "KMP_INIT_AT_FORK": "FALSE",
    "TORCHINDUCTOR_CACHE_DIR": "cache",
}
"""What the server finds set when it has imported them."""


def seen(done: "subprocess.CompletedProcess[str]") -> tuple[int, str, list[str]]:
    """Exit code and output, without the marks under the code of a traceback."""
    return done.returncode, done.stdout, [line for line in done.stderr.splitlines() if line.strip(" ^~")]


def by_interpreter(
    words: list[str], folder: Path, environment: Mapping[str, str] = os.environ
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def forking() -> Path:
    if (folder := server()) is None:
        pytest.skip("processes are forked on Linux alone")
    return folder


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_forked_process_ends_as_an_interpreter_does(script: str, forking: Path, tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(SCRIPTS[script])
    environment = {"PATH": os.environ["PATH"], "ONE_MORE": "of this call", **SET_BY_LIBRARIES}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(READ_AT_START)}
    words = [str(file), "some", "--words"]
    forked, true = (does(words, tmp_path, environment) for does in (run, by_interpreter))
    assert seen(forked) == seen(true)


def test_what_takes_effect_only_at_the_start_of_an_interpreter_starts_one(
    forking: Path, tmp_path: Path
) -> None:
    file = tmp_path / "script.py"
    file.write_text("import sys; print(sys.flags.optimize)")
    environment = {**os.environ, "PYTHONOPTIMIZE": "1"}
    assert not isinstance(start([str(file)], tmp_path, environment), Process)
    assert run([str(file)], tmp_path, environment).stdout == "1\n"


def test_a_worker_of_dask_is_forked(forking: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text("import os; print(os.environ['PYTHONHASHSEED'])")
    asked = {"PYTHONHASHSEED": "6640", "MALLOC_TRIM_THRESHOLD_": "65536"}
    threads = dict.fromkeys((*AS_OPENMP, "OMP_NUM_THREADS"), os.environ.get("OMP_NUM_THREADS"))
    environment = {**os.environ, **asked, **{name: number for name, number in threads.items() if number}}
    with tempfile.TemporaryFile() as output:
        forked = start(["script.py"], tmp_path, environment, output)
        assert isinstance(forked, Process)
        assert forked.wait(30) == 0
        output.seek(0)
        assert output.read() == b"6640\n"


def test_random_numbers_differ_from_process_to_process(forking: Path, tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(
        "import random, numpy as np\nfrom monai.transforms import Randomizable\n"
        "print(random.random(), np.random.rand(), Randomizable().R.rand())"
    )
    one, other = (run([str(file)], tmp_path).stdout.split() for _ in range(2))
    assert len({*one, *other}) == 6


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name
)
def test_a_signal_reaches_the_process(number: signal.Signals, forking: Path, tmp_path: Path) -> None:
    file = tmp_path / "script.py"
    file.write_text(
        "import signal, time\nfrom pathlib import Path\n"
        "signal.signal(signal.SIGTERM, lambda number, _: exit(40))\nPath('here').touch()\ntime.sleep(60)"
    )
    expected = {signal.SIGKILL: -9, signal.SIGTERM: 40, signal.SIGINT: -2}[number]
    direct = start([str(file)], tmp_path)
    wait_for(tmp_path / "here")
    assert direct.poll() is None
    direct.send_signal(number)
    assert direct.wait(30) == direct.poll() == expected
    with pytest.raises(ProcessLookupError):
        os.kill(direct.pid, 0)


def wait_for(file: Path) -> None:
    until = time.monotonic() + 30
    while not file.exists():
        assert time.monotonic() < until, file
        time.sleep(0.01)


class TestShims:
    """`python` and `cellseg` in a shell."""

    @pytest.fixture(autouse=True)
    def _path(self, forking: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", f"{shims()}{os.pathsep}{os.environ['PATH']}")

    def shell(self, commands: str, folder: Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", commands], cwd=folder, capture_output=True, text=True, timeout=60
        )

    def test_another_python_is_the_interpreter(self, tmp_path: Path) -> None:
        prints = "import sys; print(sys.executable, sys.argv)"
        done = self.shell(f"python -c '{prints}' a 'b c'; python - d <<< '{prints}'", tmp_path)
        assert done.stdout == f"{sys.executable} ['-c', 'a', 'b c']\n{sys.executable} ['-', 'd']\n"

    def test_cellseg_is_the_installed_command(self, tmp_path: Path) -> None:
        forked = self.shell("cellseg data check nowhere; echo $?", tmp_path)
        true = by_interpreter([str(CELLSEG), "data", "check", "nowhere"], tmp_path)
        assert forked.stdout == f"{true.stdout}{true.returncode}\n"
        assert forked.stderr == true.stderr

    def test_a_pipe_goes_through_it(self, tmp_path: Path) -> None:
        done = self.shell("set -o pipefail; cellseg --help | head -n 1", tmp_path)
        assert done.returncode == 0
        assert done.stdout.startswith("usage: cellseg")

    def test_what_it_starts_by_its_own_interpreter_is_forked(self, forking: Path, tmp_path: Path) -> None:
        file = tmp_path / "script.py"
        file.write_text("import sys; print(sys.executable)")
        assert run([str(file)], tmp_path).stdout == f"{forking / 'bin/python'}\n"

    def test_spawned_processes_are_forked_with_their_descriptors(self, forking: Path, tmp_path: Path) -> None:
        file = tmp_path / "script.py"
        file.write_text(
            "import sys\nfrom concurrent.futures import ProcessPoolExecutor\n"
            "from multiprocessing import get_context\n"
            "def seen(number):\n    return number, sys.executable, 'monai.bundle' in sys.modules\n"
            "if __name__ == '__main__':\n"
            "    with ProcessPoolExecutor(2, mp_context=get_context('spawn')) as pool:\n"
            "        print(*pool.map(seen, range(3)), sep='\\n')\n"
        )
        done = run([str(file)], tmp_path, timeout=60)
        expected = [str((number, str(forking / "bin/python"), True)) for number in range(3)]
        assert done.stdout.splitlines() == expected, done.stderr

    def test_the_training_of_a_killed_process_is_forked_and_ends(self, forking: Path, tmp_path: Path) -> None:
        tells = "$Path('part').write_text(f'{os.getpid()} ' + Path('/proc/self/cmdline').read_text())"
        config = {"imports": ["$import os", "$import time", "$from pathlib import Path"]}
        config["run"] = [tells, "$os.rename('part', 'here')", "$time.sleep(60)"]
        (tmp_path / "config.json").write_text(json.dumps(config))
        file = tmp_path / "script.py"
        file.write_text(
            "import subprocess\nfrom cellseg_monai.runtime.watching import monais_command\n"
            "subprocess.run(monais_command(['run', '--config_file', 'config.json']))"
        )
        study = start([str(file)], tmp_path)
        wait_for(tmp_path / "here")
        training, command = (tmp_path / "here").read_text().split(maxsplit=1)
        assert str(forking) in command
        study.kill()
        assert study.wait(30) == -signal.SIGKILL
        until = time.monotonic() + 30
        while Path(f"/proc/{training}").exists():
            assert time.monotonic() < until
            time.sleep(0.01)

    def test_the_process_dies_with_what_stands_for_it(self, tmp_path: Path) -> None:
        """Killed without a chance to pass the signal on."""
        training = subprocess.Popen(
            [
                shims() / "python",
                "-m",
                "cellseg_monai.cli",
                "data",
                "synthesize",
                "nuclei",
                "set",
                "--count",
                "9999",
            ],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
        )
        wait_for(tmp_path / "set/images")
        training.kill()
        training.communicate(timeout=30)  # until the last process that holds the pipe is gone
        assert training.returncode == -signal.SIGKILL


def test_the_server_ends_with_the_test_process(tmp_path: Path) -> None:
    code = "from tests.forked.commands import server; print(server())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None\n" or not Path(done.stdout.strip()).exists()
