"""Configurations that run code: each creates the file CANARY when MONAI evaluates its id ``x``."""

from typing import Any

TOUCH = ["touch", "CANARY"]
OPEN = "open('CANARY', 'w')"


def target(name: Any, /, **arguments: Any) -> dict[str, Any]:
    return {"x": {"_target_": name, **arguments}}


RUN_BY_MONAI: dict[str, dict[str, Any]] = {
    # GHSA-873f-pvrv-4x83: any class or function is called, any expression is evaluated
    "a target": target("os.system", command="touch CANARY"),
    "a target of a class": target("subprocess.Popen", args=TOUCH),
    "a target of a builtin": target("open", file="CANARY", mode="w"),
    "a target with an empty part": target("os..system", command="touch CANARY"),
    "a target with a prefix": target("builtins.open", file="CANARY", mode="w"),
    "a target that times code": target("timeit.timeit", stmt=OPEN, number=1),
    "a target that opens a log": target("logging.FileHandler", filename="CANARY"),
    "a target that opens a file": target("io.open", file="CANARY", mode="w"),
    "a target that saves": target("torch.save", obj=1, f="CANARY"),
    "a target that saves an array": target("numpy.savetxt", fname="CANARY", X=[1.0]),
    "a target through a module": target("torch.serialization.os.system", command="touch CANARY"),
    "a target through a library": target("monai.bundle.scripts.os.system", command="touch CANARY"),
    "a target of MONAI": {"x": "$monai.utils.run_cmd(['touch', 'CANARY'])"},
    "a target that is computed": target("$'os.' + 'system'", command="touch CANARY"),
    "a target by reference": {"name": "os.system", **target("@name", command="touch CANARY")},
    "a target by macro": {"name": "os.system", **target("%name", command="touch CANARY")},
    "a component in a list": {"x": [{"_target_": "subprocess.Popen", "args": TOUCH}]},
    "a component as an argument": target("Compose", transforms=[target("subprocess.Popen", args=TOUCH)["x"]]),
    "a component in _requires_": target("Identity", _requires_=f"${OPEN}"),
    "a component in _desc_": target("Identity", _desc_=f"${OPEN}"),
    "a component in _disabled_": target("Identity", _disabled_=f"${OPEN}"),
    "an expression": {"x": f"${OPEN}"},
    "an expression that imports": {"x": "$__import__('os').system('touch CANARY')"},
    "an expression with look-alike letters": {"x": "$ｏｐｅｎ('CANARY', 'w')"},
    "an expression through a library": {"x": "$torch.serialization.os.system('touch CANARY')"},
    "an expression of special attributes": {
        "x": "$[own for own in ().__class__.__base__.__subclasses__() if own.__name__ == 'Popen'][0]"
        "(['touch', 'CANARY'])"
    },
    "an expression with globals": {"x": "$(lambda: 0).__globals__['__builtins__']['open']('CANARY', 'w')"},
    "an expression with getattr": {"x": "$getattr(__import__('o' + 's'), 'sys' + 'tem')('touch CANARY')"},
    "an expression with eval": {"x": '$eval("open(\'CANARY\', \'w\')")'},
    "an expression with exec": {"x": '$exec("open(\'CANARY\', \'w\')")'},
    "an expression with compile": {"x": "$eval(compile(\"open('CANARY', 'w')\", 'a', 'eval'))"},
    "a walrus": {"x": "$(own := open)('CANARY', 'w')"},
    "a lambda": {"x": "$(lambda own: own)(open)('CANARY', 'w')"},
    "a list": {"x": "$[open][0]('CANARY', 'w')"},
    "a dictionary": {"x": "${'own': open}['own']('CANARY', 'w')"},
    "a map": {"x": "$list(map(open, ['CANARY'], ['w']))"},
    "a key function": {"x": "$max([\"open('CANARY', 'w')\"], key=exec)"},
    "a local name that hides a builtin": {
        "x": "$[exec for exec in [1]] and max([\"open('CANARY', 'w')\"], key=exec)"
    },
    "an argument": {"x": "$print('', file=open('CANARY', 'w'))"},
    "a default of a lambda": {"x": "$lambda own=open('CANARY', 'w'): own"},
    "a condition": {"x": "$[1 for own in [1] if open('CANARY', 'w')]"},
    "a formatted text": {"x": '$f"{open(\'CANARY\', \'w\')}"'},
    "a reference that closes a quote": {"f": 1, "x": "$'@f{open(\"CANARY\", \"w\")}'"},
    "an id that becomes code": {
        "z": 0,
        "y": {"b": 1},
        "z or open('CANARY', 'w') or @y": {"a": "$@#b", "b": 1},
        "x": {"run": "%z or open('CANARY', 'w') or @y#a"},
    },
    "an import": {"imports": ["$import os"], "own": "@imports#0", "x": "$@own.system('touch CANARY')"},
    "an import in a list": {
        "imports": ["$import os"], "own": ["@imports"], "x": "$@own[0][0].system('touch CANARY')"
    },
    "an import of a function": {"own": "$from os import system", "x": "$@own('touch CANARY')"},
    "an import by macro": {
        "imports": ["$import os"], "own": "%imports#0", "x": "$@own.system('touch CANARY')"
    },
    "a reader": target("LoadImage", reader="subprocess.Popen", args=TOUCH),
    "a reader in a list": target("LoadImage", reader=["subprocess.Popen"], args=TOUCH),
    "a reader that is computed": target("LoadImage", reader="$'subprocess' + '.Popen'", args=TOUCH),
    "a reader by reference": {"name": "subprocess.Popen", **target("LoadImage", reader="@name", args=TOUCH)},
    "a reader in an expression": {
        "x": "$monai.transforms.LoadImage('subprocess.Popen', args=['touch', 'CANARY'])"
    },
    "a reader that opens a file": target("LoadImage", reader="io.open", file="CANARY", mode="w"),
    "a function that is passed on": {
        "own": {"_target_": "LoadImage", "_mode_": "callable", "args": TOUCH},
        "x": "$max(['subprocess.Popen'], key=@own)",
    },
}  # fmt: skip

ONLY_JUDGED: dict[str, Any] = {
    "a debugger": target("DiceLoss", _mode_="debug"),
    "a mode in an overlay": {"x#_mode_": "callable"},
    "a target in an overlay": {"train#x#_target_": "os.system"},
    "a target with colons": {"train::x::_target_": "os.system"},
    "a target that is added": {"+x": {"_target_": "os.system"}},
    "a class by text in an overlay": {"x#_target_": "LoadImaged"},
    "torch.load": target("torch.load", f="x"),
    "torch.hub": target("torch.hub.load", repo_or_dir="x", model="y"),
    "numpy.load": target("numpy.load", file="x", allow_pickle=True),
    "pickle": target("pickle.load", file="x"),
    "importlib": target("importlib.import_module", name="scripts"),
    "runpy": target("runpy.run_path", path_name="scripts/a.py"),
    "a library of C": target("ctypes.CDLL", name="a.so"),
    "an extension of torch": target("torch.utils.cpp_extension.load", name="a", sources=["a.cpp"]),
    "deleting": target("shutil.rmtree", path="x"),
    "another bundle": target("monai.bundle.run", config_file="x"),
    "a bundle by its bare name": target("run", config_file="x"),
    "a download": target("monai.bundle.download", name="x"),
    "a download of weights": target("monai.losses.PerceptualLoss", spatial_dims=2),
    "a network from the hub": target("monai.networks.nets.MILModel", num_classes=2),
    "our own builder": target("cellseg_monai.runtime.build", described={}, kind=1),
    "a script of the bundle": target("scripts.net.Net"),
    "a target that is no text": target(["os.system"]),
    "unsafe loading": target("CheckpointLoader", load_path="x", weights_only=False),
    "unsafe arrays": target("LoadImaged", keys="image", reader="NumpyReader", allow_pickle=True),
    "an import that is relative": {"imports": ["$import os", "$@#0.system('ls')"]},
    "an import in an expression": {"imports": ["$import os"], "x": "$@imports#0.system('ls')"},
    "an import of the whole": {"imports": ["$import os"], "x": "$@imports[0].system('ls')"},
    "a module as a value": {"x": "$torch"},
    "a module in a list": {"x": "$[monai][0].bundle"},
    "an attribute that formats": {"x": "$'{0.__class__}'.format(1)"},
    "a private attribute": {"x": "$@network._modules"},
    "an import of another module": {"imports": ["$import socket"]},
    "an import that renames": {"imports": ["$import os as np"]},
    "an import elsewhere": {"own": "$import os"},
    "an import and more": {"imports": ["$import os; os.system('ls')"]},
    "a component in an expression": {"x": "${'_target_': 'os.system'}"},
    "a dictionary with computed keys": {"x": "${'_tar' + 'get_': 'os.system'}"},
    "a group of processes": {"x": "$torch.distributed.init_process_group('gloo', 'tcp://a.org:1')"},
    "a group of processes by name": {
        "x": "$torch.distributed.init_process_group(init_method='tcp://a.org:1')"
    },
    "a macro to a file on a second line": {"x": "%a\n/etc/other.json#a"},
    "a huge power": {"x": "$9**9**9**9"},
    "a huge expression": {"x": "$" + "1+" * 5000 + "1"},
    "an expression that is none": {"x": "$1 +"},
    "a macro to a file": {"x": "%/etc/other.json#a"},
    "a macro that climbs": {"x": "%../other.yaml#a"},
    "a macro of everything": {"x": "%"},
    "an output elsewhere": {"output_dir": "/etc/cron.d"},
    "an output above": target("SaveImaged", keys="pred", output_dir="../../x"),
    "an output at home": {"ckpt_dir": "~/.ssh"},
    "a shape that is code": {"network_data_format": {"inputs": {"image": {"spatial_shape": ["exit()"]}}}},
}
"""Attacks that would need more than a file to show, or that fail in MONAI for now."""
