"""What a user reads who mistypes: one sentence, and exit code 1."""

from pathlib import Path

import pytest
import torch

from tests.bundles.reduced import Bundle, copied

CASES = {
    "wrong key": (
        "train",
        {"max_epoch": 5},
        "ValueError: command line: there is no id 'max_epoch'; did you mean 'max_epochs'?",
    ),
    "wrong argument of a component": (
        "train",
        {"network_def#architecture#chanels": [8, 16]},
        "TypeError: PatchAttentionUNet.__init__() got an unexpected keyword argument 'chanels'",
    ),
    "unknown loss": (
        "train",
        {"loss": "@losses#dise"},
        "ValueError: command line: loss picks @losses#dise, which does not exist; it must be one of @losses#",
    ),
    "a choice without the choices": (
        "inference",
        {"decoding": "@decodings#foreground"},
        "which does not exist; lay the choices over the configuration: --config_file ",
    ),
    "unknown network": (
        "train",
        {"network_def": "@networks#swin_unet"},
        "ValueError: command line: network_def picks @networks#swin_unet, which does not exist; it must be",
    ),
    "missing dataset": (
        "train",
        {"dataset_dir": "nowhere"},
        "FileNotFoundError: nowhere: there is no such folder or file",
    ),
    "fold that few images do not make": (
        "train",
        {"folds": 5, "fold": 4},
        "ValueError: fold=4: there are 4 folds; choose --fold 0 to 3, or choose validation",
    ),
    "empty folder": ("train", {"dataset_dir": "empty"}, "ValueError: empty: no image found; put"),
    "no masks": ("train", {"dataset_dir": "unlabelled"}, "ValueError: none of the 1 images, such as "),
    "weights of another network": (
        "inference",
        {"weights": "other.pt"},
        "ValueError: other.pt: belongs to another network: ",
    ),
    "no weights": ("inference", {"weights": "models/absent.pt"}, "FileNotFoundError: models/absent.pt"),
    "decoding of another target": (
        "inference",
        {"decoding": "{'_target_': 'cellseg_monai.instances.Componentsd', 'keys': 'pred'}"},
        "ValueError: ForegroundDistanceTargetd encodes 'foreground and distance', but Componentsd decodes "
        "'foreground'; choose",
    ),
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bundle = copied("patch_attention_unet", tmp_path_factory.mktemp("mistyped"))
    (bundle.path / "empty").mkdir()
    torch.save(torch.nn.Conv2d(1, 1, 1).state_dict(), bundle.path / "other.pt")
    return bundle


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_in_one_sentence(case: str, bundle: Bundle, dataset: Path) -> None:
    config, options, sentence = CASES[case]
    (bundle.path / "unlabelled").mkdir(exist_ok=True)
    link = bundle.path / "unlabelled/nuclei.tif"
    if not link.exists():
        link.symlink_to(dataset / "images/nuclei_000.tif")
    folds = {"folds": 4} if config == "train" else {}
    configs = (config, "choices") if config == "train" else (config,)
    output = bundle.command(
        "run",
        expected=1,
        **bundle.settings(*configs, **{"dataset_dir": dataset, "output_dir": "out", **folds, **options}),
    )
    said = [
        line for line in output.splitlines() if line and " - INFO - " not in line and " INFO " not in line
    ]
    assert "Traceback" not in output
    assert len(said) <= 4, output
    assert sentence in said[-1]


@pytest.mark.parametrize(
    ("option", "value", "missing"),
    [("network_def", "%networks#unet", "networks"), ("train#dataloder#shuffle", False, "dataloder")],
    ids=["a copy of an unknown network", "wrong key within an entry"],
)
def test_what_monai_refuses_before_a_bundle_is_asked(
    option: str, value: object, missing: str, bundle: Bundle
) -> None:
    """MONAI resolves these as it reads the files; the traceback is its own, and ends with the id."""
    output = bundle.command("run", expected=1, config_file="configs/train.json", **{option: value})
    traceback = output[output.index("Traceback") :].splitlines()
    assert len(traceback) < 50
    assert traceback[-1] == f"KeyError: 'query key: {missing}'"
