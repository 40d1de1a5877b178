"""What a bundle lays over its configurations: the settings of its publication, and classes for cells."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch
from monai.bundle import ConfigParser
from monai.transforms import Compose
from PIL import Image

from cellseg_monai.colours import colours_of
from cellseg_monai.networks import SkipSwinUNet
from tests.bundles.reduced import BUNDLES, NARROW, copied, labels_in

CLASSES = "{'0':0,'128':1,'255':2}"
PUBLISHED = sorted(BUNDLES.glob("*/configs/as_published*.json"))


@pytest.mark.parametrize("name", sorted({file.parts[-3] for file in PUBLISHED}))
def test_the_overlay_of_the_publication_trains_and_segments(name: str, dataset: Path, tmp_path: Path) -> None:
    bundle = copied(name, tmp_path)
    # whole images of four patches, not of sixteen
    sizes: dict[str, object] = {"patch_size": 112, "resize": [224, 224]} if name.startswith("skip") else {}
    if name == "skip_swin_unet":
        sizes["encoder_weights"] = "$None"
    where = {"dataset_dir": dataset, "output_dir": tmp_path, **sizes}
    bundle.run("train", "as_published", ckpt_dir=tmp_path, max_epochs=1, folds=4, **where)
    bundle.run("inference", "as_published", weights=tmp_path / "model.pt", **where)
    assert {label_map.shape for label_map in labels_in(tmp_path).values()} == {(96, 144)}


def test_the_stem_cells_of_the_publication_are_stretched_between_true_percentiles(tmp_path: Path) -> None:
    """A 16-bit frame in which cells cover 1.1 %: 98 % of its pixels are background of 88 to 112."""
    frame = np.resize(np.arange(88, 113, dtype=np.uint16), (100, 100))
    frame[:11, :10] = 2000
    tifffile.imwrite(tmp_path / "frame.tif", frame)
    limits = {}
    for configs in (("inference",), ("inference", "as_published")):
        files = [BUNDLES / f"stemcell_unet/configs/{name}.json" for name in configs]
        parser = ConfigParser(ConfigParser.load_config_files([str(file) for file in files]))
        steps = Compose(parser.get_parsed_content("read_image"))
        image = steps({"image": str(tmp_path / "frame.tif")})["image"]
        limits[configs[-1]] = image.meta["intensity_limits"].tolist()
    assert limits["as_published"] == [np.percentile(frame, [2, 98]).tolist()] == [[88, 112]]
    low, high = limits["inference"][0]
    assert high - low == pytest.approx(0.1 * (2000 - 88))
    assert image.max() == 1
    np.testing.assert_allclose(image[0, :, 50].unique(), np.linspace(0, 1, 25), atol=1e-6)


@pytest.mark.parametrize(
    "overlays", [("multi_class",), ("multi_class", "as_published_multi_class")], ids="-".join
)
@pytest.mark.parametrize("name", ["skip_swin_unet", "skip_unet"])
def test_classes_are_trained_scored_and_segmented(
    name: str, overlays: tuple[str, ...], class_dataset: Path, tmp_path: Path
) -> None:
    bundle = copied(name, tmp_path)
    where = {"dataset_dir": class_dataset, "output_dir": tmp_path / "run", "classes": CLASSES}
    random = {"encoder_weights": "$None"} if name == "skip_swin_unet" else {}
    bundle.run("train", *overlays, max_epochs=1, folds=4, **where, **random)
    with Image.open(tmp_path / "run/validation.png") as picture:
        colours = {colour for _, colour in picture.getcolors(1 << 20)}
    assert {tuple(colour) for colour in colours_of([1, 2]).tolist()} <= colours
    bundle.run("train", *overlays, "evaluate", **where)
    of_image = pd.read_csv(tmp_path / "run/val_mean_dice_raw.csv").columns
    assert list(of_image)[1:4] == ["class0", "class1", "class2"]
    scores = dict(line.split(",") for line in (tmp_path / "run/metrics.csv").read_text().splitlines())
    assert 0 < float(scores["val_mean_iou"]) < float(scores["val_mean_dice"]) < 1
    bundle.run("inference", *overlays, **where)
    found = labels_in(tmp_path / "run")
    assert len(found) == 8
    assert all(label_map.shape == (96, 144) and label_map.max() <= 2 for label_map in found.values())


def test_ignored_values_weigh_nothing(class_dataset: Path, tmp_path: Path) -> None:
    """Without the background, all that is left to learn is to find cells everywhere, which is no error."""
    bundle = copied("skip_unet", tmp_path)
    where = {"dataset_dir": class_dataset, "output_dir": tmp_path / "run"}
    classes = "{'0':'ignore','128':1,'255':1}"
    bundle.run("train", "multi_class", max_epochs=20, folds=4, learning_rate=0.05, classes=classes, **where)
    bundle.run("train", "evaluate", **where)
    scores = dict(line.split(",") for line in (tmp_path / "run/metrics.csv").read_text().splitlines())
    assert float(scores["val_mean_iou"]) > 0.99
    bundle.run("inference", **where)
    assert all((label_map == 1).mean() > 0.9 for label_map in labels_in(tmp_path / "run").values())


def clippers(*files: Path) -> list[Any]:
    """Handlers that clip gradients, as the trainer gets them."""
    config = ConfigParser.load_config_files(list(map(str, files)))
    named = "cellseg_monai.training.GradientClipper"
    handlers = [handler for handler in config["train"]["handlers"] if isinstance(handler, dict)]
    given = [handler for handler in handlers if handler["_target_"] == named]
    assert len(given) == 1
    parser = ConfigParser({"max_gradient_norm": config["max_gradient_norm"], "handlers": given})
    made: list[Any] = parser.get_parsed_content("handlers")
    return made


def test_every_bundle_has_the_settings_of_its_publication() -> None:
    assert {file.parts[-3] for file in PUBLISHED} == set(NARROW) - {"generalist_nuclei"}


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_no_publication_clips_gradients(file: Path) -> None:
    train = file.with_name("train.json")
    assert [handler.max_norm for handler in clippers(train)] == [12.0]
    assert clippers(train, file) == []


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: f"{file.parts[-3]}-{file.stem}")
def test_inference_finds_again_what_a_publication_sets(file: Path) -> None:
    """The weights keep it, so that a study need not repeat the overlay when it scores."""
    train = ConfigParser.load_config_file(file.with_name("train.json"))
    inference = ConfigParser.load_config_file(file.with_name("inference.json"))
    kept = train["validate"]["best_weights"]["keep_settings"]
    ids = {path.partition("#")[0] for path in ConfigParser.load_config_file(file)}
    assert ids & inference.keys() <= kept.keys()


def test_the_weights_carry_the_size_of_whole_images(class_dataset: Path, tmp_path: Path) -> None:
    bundle = copied("skip_unet", tmp_path)
    overlays = ("multi_class", "as_published_multi_class")
    where = {"dataset_dir": class_dataset, "classes": CLASSES}
    bundle.run("train", *overlays, max_epochs=1, folds=4, output_dir=tmp_path / "run", **where)
    settings = json.loads((bundle.path / "models/model.json").read_text())["settings"]
    assert (settings["resize"], settings["overlap"]) == ([224, 224], 0.25)

    def probability(name: str, *configs: str, **options: object) -> np.ndarray:
        places = {"dataset_dir": class_dataset, "output_dir": tmp_path / name, "save_probability": True}
        bundle.run("inference", *configs, **places, **options)
        (file,) = (tmp_path / name / "probability").rglob("nuclei_000.tif")
        return tifffile.imread(file)

    carried = probability("plain")
    assert carried.shape[-2:] == (96, 144)
    np.testing.assert_array_equal(carried, probability("overlays", *overlays, classes=CLASSES))
    assert not np.allclose(carried, probability("own size", resize="$None"))


def test_the_published_swin_unet_needs_its_pretrained_encoder(dataset: Path, tmp_path: Path) -> None:
    bundle = copied("skip_swin_unet", tmp_path)
    where = {"dataset_dir": dataset, "output_dir": tmp_path, "max_epochs": 1, "folds": 4}
    where |= {"patch_size": 112, "resize": [224, 224]}
    for overlays in (("as_published",), ("multi_class", "as_published_multi_class")):
        told = bundle.command("run", expected=1, **bundle.settings("train", *overlays, **where))
        assert "models/swin_tiny_patch4_window7_224.pth: there is no such file of Swin-Tiny weights" in told
    options = {key.split("#")[-1]: value for key, value in bundle.options.items() if "#" in key}
    encoder = SkipSwinUNet(3, 1, **options).state_dict()
    torch.save(encoder, bundle.path / "models/swin_tiny_patch4_window7_224.pth")
    bundle.run("train", "as_published", **where, learning_rate=1e-9)
    tuned = torch.load(bundle.path / "models/model.pt", weights_only=True)
    qkv = "layers.0.blocks.0.attn.qkv.weight"
    torch.testing.assert_close(tuned[qkv], encoder[qkv], atol=1e-5, rtol=0)
