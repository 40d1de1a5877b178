"""A package of bioimage.io is read and run by bioimageio.core, and gives what the bundle gives."""

import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from cellseg_monai.bundling import pack_bioimage
from cellseg_monai.bundling.bioimage import pack
from cellseg_monai.bundling.bioimage.description import citations
from cellseg_monai.bundling.bioimage.network import RowsFirst
from cellseg_monai.bundling.bioimage.outputs import output_of
from cellseg_monai.bundling.bioimage.sample import difference
from cellseg_monai.bundling.check.configs import load_config
from cellseg_monai.cli import main
from cellseg_monai.data import synthesize
from cellseg_monai.jobs.files.planes import read_planes
from cellseg_monai.transforms import PercentileStretch
from tests.bundles.reduced import Bundle, copied

needs_bioimageio = pytest.mark.skipif(
    pack.find_spec("bioimageio") is None, reason="optional: pip install 'cellseg-monai[bioimageio]'"
)


def with_weights(name: str, folder: Path, **options: Any) -> Bundle:
    """A narrow bundle with weights as they come, moved apart so that its probabilities differ."""
    bundle = copied(name, folder)
    bundle = Bundle(bundle.path, {**bundle.options, **options})
    torch.manual_seed(0)
    parser = load_config(bundle.path, "inference", str(folder), bundle.options)
    weights = parser.get_parsed_content("network_def").state_dict()
    spread = {key: value * 1.5 if value.is_floating_point() else value for key, value in weights.items()}
    torch.save(spread, bundle.path / "models/model.pt")
    return bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return with_weights("patch_attention_unet", tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("image") / "nuclei.tif"
    tifffile.imwrite(file, synthesize("nuclei", (96, 160), seed=4).image)
    return file


@pytest.fixture(scope="module")
def package(bundle: Bundle, image: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("package") / "new/nuclei.zip"
    settings = [f"{key}={value}" for key, value in bundle.options.items()]
    words = ["bundle", "bioimage", str(bundle.path), "--out", str(file), "--image", str(image), "--onnx"]
    assert main([*words, "--set", *settings]) == 0
    return file


def files_in(package: Path) -> set[str]:
    with zipfile.ZipFile(package) as archive:
        return set(archive.namelist())


@needs_bioimageio
def test_the_package_gives_what_the_bundle_gives(bundle: Bundle, image: Path, package: Path) -> None:
    from bioimageio.core import create_prediction_pipeline, load_model_description
    from bioimageio.core.digest_spec import create_sample_for_model

    parser = load_config(bundle.path, "inference", str(image.parent), bundle.options)
    network = parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(bundle.path / "models/model.pt", weights_only=True))
    steps = parser.get_parsed_content("preprocessing")
    with torch.no_grad():
        logits = network.eval()(steps({"image": str(image)})["image"][None].as_tensor())[0]
    expected = np.swapaxes(torch.stack([logits[0].sigmoid(), logits[1]]).numpy(), 1, 2)
    raw = tifffile.imread(image).astype(np.float32)[None, None]
    model = load_model_description(package)
    sample = create_sample_for_model(model, inputs={"image": raw})
    with create_prediction_pipeline(model) as pipeline:
        # which otherwise pads by the halo, and the network normalises over all that it sees
        result = pipeline.predict_sample_without_blocking(
            sample, skip_input_padding=True, skip_output_cropping=True
        )
    (found,) = result.members.values()
    assert np.ptp(expected) > 0.2
    np.testing.assert_allclose(found.data.values[0], expected, atol=1e-4)


@needs_bioimageio
@pytest.mark.parametrize("weights", ["torchscript", "onnx"])
def test_each_kind_of_weights_passes_the_test_of_the_zoo(package: Path, weights: Any) -> None:
    from bioimageio.core import test_model

    assert test_model(package, weight_format=weights).status == "passed"


@needs_bioimageio
def test_the_description(package: Path) -> None:
    from bioimageio.core import load_model_description

    model = load_model_description(package)
    assert model.format_version.startswith("0.5.")
    assert (model.name, model.license, str(model.version)) == (
        "Patch-based attention U-Net",
        "Apache-2.0",
        "0.1.0",
    )
    assert [author.name for author in model.authors] == ["The authors of cellseg_monai"]
    (given,), (answer,) = model.inputs, model.outputs
    assert [axis.id for axis in given.axes] == ["batch", "channel", "y", "x"]
    assert [(axis.size.min, axis.size.step) for axis in given.axes[2:]] == [(96, 32)] * 2
    assert [axis.halo for axis in answer.axes[2:]] == [32, 32]
    assert answer.axes[1].channel_names == ["foreground", "distance"]
    told = [(step.id, dict(step.kwargs)) for step in given.preprocessing if step.id != "ensure_dtype"]
    assert [step for step, _ in told] == ["scale_range", "clip"]
    assert told[0][1]["min_percentile"] == 1
    assert told[0][1]["max_percentile"] == 99
    assert not [step for step in answer.postprocessing if step.id != "ensure_dtype"]


@needs_bioimageio
def test_cover_and_readme(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        text = archive.read("README.md").decode()
        with archive.open("cover.png") as file:
            assert Image.open(file).size == (192, 96)
    words = " ".join(text.split())
    assert "sides of 96 + n × 32 pixels" in words
    assert "Cells are the pixels above 0.5 in the channel foreground" in words
    assert "each peak that rises by 0.25" in words
    assert "On the test image (nuclei.tif) the stretched intensities, from 0 to 1, differ by" in words
    assert {"LICENSE", "bundle.md", "model.ts", "model.onnx"} <= files_in(package)


@needs_bioimageio
@pytest.mark.parametrize(
    ("name", "options", "postprocessing", "channels"),
    [
        (
            "stemcell_unet",
            {"target": "@targets#foreground", "decoding": "@decodings#foreground"},
            ["sigmoid"],
            ["foreground"],
        ),
        (
            "skip_unet",
            {
                "target": "@targets#classes",
                "decoding": "@decodings#classes",
                "classes": {"0": 0, "9": 1, "5": 2},
            },
            ["softmax"],
            ["class_0", "class_1", "class_2"],
        ),
        pytest.param("attention_unetpp", {}, [], ["foreground", "distance"], marks=pytest.mark.slow),
        pytest.param("swin_unetr", {}, [], ["foreground", "distance"], marks=pytest.mark.slow),
        pytest.param("skip_swin_unet", {}, [], ["foreground", "distance"], marks=pytest.mark.slow),
    ],
    ids=["foreground", "classes", "gated", "recorded at one size", "attention at one size"],
)
def test_other_outputs(
    name: str, options: dict[str, Any], postprocessing: list[str], channels: list[str], tmp_path: Path
) -> None:
    from bioimageio.core import load_model_description

    bundle = with_weights(name, tmp_path, **options)
    package = pack_bioimage(bundle.path, tmp_path / "package.zip", options=bundle.options)
    assert "model.onnx" not in files_in(package)
    model = load_model_description(package)
    (given,), (answer,) = model.inputs, model.outputs
    assert answer.axes[1].channel_names == channels
    assert [step.id for step in answer.postprocessing if step.id != "ensure_dtype"] == postprocessing
    if "swin" in name:
        assert [axis.size for axis in given.axes[2:]] == [bundle.options["patch_size"]] * 2


@needs_bioimageio
def test_an_image_where_the_preprocessing_differs_is_told(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sparse = np.random.default_rng(0).normal(100, 3, (96, 96)).round().astype(np.uint16)
    sparse[30:33, 30:33] = 4000
    tifffile.imwrite(tmp_path / "sparse.tif", sparse)
    with caplog.at_level(logging.WARNING, "cellseg_monai"):
        package = pack_bioimage(
            bundle.path, tmp_path / "a.zip", image=tmp_path / "sparse.tif", options=bundle.options
        )
    assert "the preprocessing of the package differs from that of the bundle by up to" in caplog.text
    with zipfile.ZipFile(package) as archive:
        assert "(sparse.tif)" in archive.read("README.md").decode()


@needs_bioimageio
def test_a_package_that_gives_something_else_is_not_written(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unturned(RowsFirst):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.network(image)

    monkeypatch.setattr(pack, "RowsFirst", Unturned)
    with pytest.raises(
        RuntimeError, match=r"fails the test of bioimageio.core: Output 'prediction': .*disagree"
    ):
        pack_bioimage(bundle.path, tmp_path / "a.zip", options=bundle.options)
    assert not (tmp_path / "a.zip").exists()


def no_weights(bundle: Path) -> dict[str, Any]:
    return {"weights": bundle / "absent.pt"}


def unknown_option(bundle: Path) -> dict[str, Any]:
    return {"options": {"treshold": 0.4}}


def other_licence(bundle: Path) -> dict[str, Any]:
    (bundle / "LICENSE").write_text("All rights reserved")
    return {}


def no_step(bundle: Path) -> dict[str, Any]:
    file = bundle / "configs/metadata.json"
    file.write_text(file.read_text().replace("64*n", "2**n"))
    return {}


def one_size(bundle: Path) -> dict[str, Any]:
    return {"options": {"resize": [96, 96]}}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_weights, r"absent.pt is missing; train the bundle before you pack it, or name weights"),
        (unknown_option, r"there is no id 'treshold'; did you mean 'threshold'\?"),
        (other_licence, r"LICENSE is missing or is not a known licence; give its SPDX identifier"),
        (
            one_size,
            r"resize=\[96, 96\]: a bioimage.io package cannot resize whole images; give --set resize=None",
        ),
        (no_step, r"is not a multiple of one step; write both sides as '32\*n'"),
    ],
    ids=["weights", "option", "licence", "one size", "step"],
)
def test_refused(
    spoil: Callable[[Path], dict[str, Any]], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = with_weights("stemcell_unet", tmp_path)
    arguments = {"options": {}, **spoil(bundle.path)}
    arguments["options"] = {**bundle.options, **arguments["options"]}
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        pack_bioimage(bundle.path, tmp_path / "a.zip", **arguments)
    assert not (tmp_path / "a.zip").exists()


@pytest.mark.parametrize("size", [(95, 128), (128, 95)], ids=["rows", "columns"])
@needs_bioimageio
def test_an_image_that_is_too_small(bundle: Bundle, tmp_path: Path, size: tuple[int, int]) -> None:
    tifffile.imwrite(tmp_path / "small.tif", np.zeros(size, np.uint8))
    with pytest.raises(
        ValueError, match=r"small.tif: \d+ rows and \d+ columns, but the network needs at least 96"
    ):
        pack_bioimage(bundle.path, tmp_path / "a.zip", image=tmp_path / "small.tif", options=bundle.options)


def test_without_bioimageio_the_remedy_is_told(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pack, "find_spec", lambda name: None)
    settings = [f"{key}={value}" for key, value in bundle.options.items()]
    words = ["bundle", "bioimage", str(bundle.path), "--out", str(tmp_path / "a.zip"), "--set", *settings]
    assert main(words) == 1
    assert "bioimageio is not installed: pip install 'cellseg-monai[bioimageio]'" in capsys.readouterr().err


def test_a_bundle_without_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = copied("skip_unet", tmp_path)
    (bundle.path / "models/model.pt").unlink()
    assert main(["bundle", "bioimage", str(bundle.path), "--out", str(tmp_path / "a.zip")]) == 1
    assert "models/model.pt is missing; train the bundle before you pack it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "stretch", [PercentileStretch(), PercentileStretch(channel_wise=False)], ids=["each", "all"]
)
def test_usual_images_are_stretched_alike(stretch: PercentileStretch) -> None:
    planes = np.moveaxis(synthesize("tissue", (96, 128), seed=1).image, -1, 0).astype(np.float32)
    assert difference(planes, stretch).largest < 1e-5


def test_real_images_are_stretched_alike_if_signal_covers_enough(real_images: Path) -> None:
    files = sorted((real_images / "nuclei/train/images").iterdir())
    gaps = [difference(read_planes(file).pixels.astype(np.float32), PercentileStretch()) for file in files]
    assert max(gap.largest for gap in gaps) < 1e-6


@pytest.mark.parametrize("nonzero", [False, True])
def test_zeros_that_the_bundle_leaves_out_are_measured(nonzero: bool) -> None:
    planes = np.random.default_rng(0).uniform(100, 200, (1, 64, 64)).astype(np.float32)
    planes[:, :32] = 0
    assert (difference(planes, PercentileStretch(nonzero=nonzero)).largest > 0.1) is nonzero


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("A. Author: Title, doi:10.1000/xyz-1.", {"doi": "10.1000/xyz-1"}),
        ("Oktay: Attention U-Net. arXiv 1804.03999", {"doi": "10.48550/arXiv.1804.03999"}),
        ("https://arxiv.org/abs/1903.10520", {"doi": "10.48550/arXiv.1903.10520"}),
        ("A report, https://example.org/a.pdf", {"url": "https://example.org/a.pdf"}),
        ("A talk", None),
    ],
    ids=["doi", "arxiv", "address at arxiv", "address", "nothing"],
)
def test_citations(reference: str, expected: dict[str, str] | None) -> None:
    *own, monai = citations({"references": [reference]})
    assert monai["doi"] == "10.48550/arXiv.2211.02701"
    assert own == ([] if expected is None else [{"text": reference, **expected}])


def test_an_output_of_other_channels_is_refused() -> None:
    with pytest.raises(ValueError, match="the network has 3 channels, but 'foreground and distance' has 2"):
        output_of("foreground and distance", 3)
    with pytest.raises(ValueError, match="do not support the target 'flows'; it must be one of foreground"):
        output_of("flows", 2)
