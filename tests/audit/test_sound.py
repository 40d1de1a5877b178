"""What must pass: the bundles of the package, and what the list allows; and the list itself."""

import inspect
import json
from importlib import import_module

import pytest

from cellseg_monai.audit import allowed, audit_files, read_policy
from cellseg_monai.audit.expressions import judge_expression
from cellseg_monai.runtime import known_bundles

POLICY = allowed()


@pytest.mark.parametrize("name", known_bundles())
def test_bundles_of_the_package(name):
    assert not audit_files(known_bundles()[name]).refused


@pytest.mark.parametrize(
    "text",
    [
        "@network.parameters()",
        "torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "[item['image'] for item in @items if item['label'] is not None]",
        "sorted(glob.glob(os.path.join(@dataset_dir, '*.nii.gz')))",
        "lambda x: torch.softmax(x, dim=1)",
        "round(@patch_size * @train#scale)",
        "{'val_f1': @validate#f1} if @cells else None",
        "(1, 2)[-1] + 2**8",
        "'user\\x40host'",
        "not @save",
        "isinstance(@step, monai.transforms.LoadImaged)",
    ],
)
def test_expressions(text):
    assert list(judge_expression(text, POLICY, {"os": "os", "glob": "glob"})) == []


def found(path):
    """What an import path leads to."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(module or "builtins"), name)


def test_targets_exist():
    """A name of the list must be the class or function that the list means, not something imported there."""
    for path in POLICY.targets:
        target = found(path)
        assert inspect.isclass(target) or inspect.isroutine(target), path
        assert target.__module__.split(".")[0] == path.split(".")[0], path


def test_names_are_no_modules():
    values = {name: found(name) for name in POLICY.names if name not in ("True", "False", "None")}
    assert [name for name, value in values.items() if inspect.ismodule(value)] == []


COMPUTE = (
    "_threshold amax amin as_tensor astype count detach dtype exists exp float glob max mean min mode ndim"
    " nonzero numel reshape resize round shape size split squeeze std sum threshold transpose unsqueeze"
)


def test_attributes_do_no_harm_on_modules():
    """References can hold modules, so an allowed attribute must not lead from one to more than computing."""
    modules = [import_module(module) for module in POLICY.modules]
    parts = [getattr(module, name, None) for module in modules for name in POLICY.attributes]
    assert {part.__name__ for part in parts if callable(part)} <= {*COMPUTE.split()}


def test_policy(bundle, tmp_path):
    config = {
        "imports": ["$import our_lab"],
        "network": {"_target_": "our_lab.nets.OurNet"},
        "y": "$our_lab.scale(@network.depth)",
    }
    (bundle / "configs/own.json").write_text(json.dumps(config))
    assert len(audit_files(bundle).refused) == 4
    (tmp_path / "site.yaml").write_text(
        "targets: [our_lab.nets.OurNet]\nnames: [our_lab.scale]\nmodules: [our_lab]\nattributes: [depth]"
    )
    assert not audit_files(bundle, read_policy(tmp_path / "site.yaml")).refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("target: [a.B]", "target must be one of targets"),
        ("targets: a.B", "targets must be a list"),
        ("targets: [1]", "targets must be a list"),
        ("[1]", "must be one of"),
        ("a: [", "not YAML or JSON"),
    ],
)
def test_wrong_policy(text, message, tmp_path):
    (tmp_path / "site.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_policy(tmp_path / "site.yaml")
