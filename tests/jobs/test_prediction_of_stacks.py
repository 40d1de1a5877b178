"""``cellseg predict`` on stacks, movies and channels: the cells, the files, and what is refused."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
import tifffile
import torch
from monai.bundle import ConfigParser
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import ImageRegions, Reading, read_picture, write_synthetic_dataset
from cellseg_monai.export import write_tiled
from cellseg_monai.jobs.files.stacks import why_in_parts
from cellseg_monai.jobs.prediction import predict
from cellseg_monai.memory import MEMORY
from tests.bundles.reduced import copied
from tests.instances.perfect import f1
from tests.instances.volumes import nuclei_volume

OBLIQUE = np.array([[0.0, -0.5, 0.1, 30.0], [0.3, 0.0, 0.2, -40.0], [0.05, 0.0, 2.0, 5.0], [0, 0, 0, 1.0]])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A bundle whose network gives what the image shows: nuclei where it is bright, from dark to bright."""
    path = copied("patch_attention_unet", tmp_path_factory.mktemp("bundle")).path
    for name in ("train", "inference"):
        file = path / f"configs/{name}.json"
        config = ConfigParser.load_config_file(file)
        config["network_def"]["architecture"] = {"_target_": "torch.nn.Conv2d", "_mode_": "callable"}
        config["network_def"]["architecture"] |= {
            "in_channels": "@in_channels", "out_channels": "@out_channels", "kernel_size": 1,
        }  # fmt: skip
        ConfigParser.export_config_file(config, str(file))
    network = ConfigParser(config).get_parsed_content("network_def")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(20.0 if parameter.ndim > 1 else -8.0)
    torch.save(network.state_dict(), path / "models/model.pt")
    return str(path)


@pytest.fixture(scope="module")
def truth() -> np.ndarray:
    """Nuclei of which none touches another one within a plane, as the network cannot part them."""
    volume = nuclei_volume(2, count=30, side=90, depth=60)
    apart = np.zeros_like(volume)
    for plane, own in zip(volume, apart, strict=True):
        padded = np.pad(plane, 1)
        shifted = [padded[1 + y : 91 + y, 1 + x : 91 + x] for y in (-1, 0, 1) for x in (-1, 0, 1)]
        others = [(each != plane) & (each > 0) for each in shifted]
        own[:] = np.where(np.any(others, axis=0), 0, plane)
    return apart


def pictured(truth: np.ndarray) -> np.ndarray:
    return np.where(truth > 0, 900, 20).astype(np.uint16)


def run(bundle: str, *words: object) -> int:
    return main(["predict", bundle, *map(str, words), "--device", "cpu", "--set", "min_size=1"])


@pytest.mark.parametrize("ending", [".tif", ".ome.zarr", ".nii.gz", ".nrrd"])
def test_cells_are_linked_across_z_in_the_format_of_the_image(
    bundle: str, truth: np.ndarray, ending: str, tmp_path: Path
) -> None:
    write_tiled(tmp_path / f"a{ending}", pictured(truth), "ZYX", (0.5, 0.5, 2.0))
    assert run(bundle, tmp_path / f"a{ending}", "--out", tmp_path / "out", "--trust") == 0
    found = read_picture(tmp_path / f"out/labels/a{ending}", "label")
    assert found.pixel_size == pytest.approx((0.5, 0.5, 2.0))
    labels = found.rows_columns().astype(np.int32)
    np.testing.assert_array_equal(labels > 0, truth > 0)
    assert f1(labels, truth) > 0.95


def test_labels_lie_on_an_oblique_image_in_space(bundle: str, truth: np.ndarray, tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(pictured(truth).T, OBLIQUE)
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "a.nii.gz")
    assert run(bundle, tmp_path / "a.nii.gz", "--out", tmp_path / "out", "--trust") == 0
    labels = nibabel.load(tmp_path / "out/labels/a.nii.gz")
    assert labels.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(labels.affine, OBLIQUE, atol=1e-5)
    inside = np.argwhere(np.asanyarray(labels.dataobj) > 0)
    places = nibabel.affines.apply_affine(labels.affine, inside)
    back = np.rint(nibabel.affines.apply_affine(np.linalg.inv(OBLIQUE), places)).astype(int)
    assert (truth.T[tuple(back.T)] > 0).all()


def test_a_stack_is_stretched_as_a_whole(bundle: str, tmp_path: Path) -> None:
    """So that noise in an empty plane does not become cells."""
    stack = np.random.default_rng(0).integers(0, 40, (4, 40, 50)).astype(np.uint16)
    stack[:2, 10:30, 10:30] = 900
    write_tiled(tmp_path / "stack.tif", stack, "ZYX")
    write_tiled(tmp_path / "movie.tif", stack, "TYX")
    assert run(bundle, tmp_path / "*.tif", "--out", tmp_path / "out", "--trust") == 0
    cells = {name: tifffile.imread(tmp_path / f"out/labels/{name}.tif") for name in ("stack", "movie")}
    assert not cells["stack"][2:].any()
    assert cells["movie"][2:].any()


def test_a_movie_is_segmented_as_its_frames_are(bundle: str, tmp_path: Path) -> None:
    folder = write_synthetic_dataset("nuclei", tmp_path / "set", count=4, size=(64, 80), seed=2).parent
    files = sorted((folder / "images").glob("*.tif"))
    frames = np.stack([tifffile.imread(file) for file in files])
    tifffile.imwrite(tmp_path / "movie.tif", frames, imagej=True, metadata={"axes": "TYX"})
    tifffile.imwrite(tmp_path / "plain.tif", frames, metadata=None, photometric="minisblack")
    apart = predict(bundle, files, tmp_path / "apart", trust=True)
    (one,) = predict(bundle, [tmp_path / "movie.tif"], tmp_path / "one", trust=True)
    (plain,) = predict(
        bundle, [tmp_path / "plain.tif"], tmp_path / "p", trust=True, reading=Reading(axes="TYX")
    )
    expected = np.stack([tifffile.imread(path) for path in apart])
    assert expected.max() > 3
    for path in (one, plain):
        np.testing.assert_array_equal(tifffile.imread(path), expected)
        assert ImageRegions(path, movie=True).axes == "CXYT"
    (frame,) = predict(bundle, [tmp_path / "movie.tif"], tmp_path / "f", trust=True, reading=Reading(frame=2))
    np.testing.assert_array_equal(tifffile.imread(frame), expected[2])


def test_track_segments_a_movie_and_goes_on(bundle: str, tmp_path: Path) -> None:
    pytest.importorskip("laptrack", reason="an optional part: pip install 'cellseg-monai[tracking]'")
    movie = np.full((5, 40, 60), 20, np.uint16)
    for frame in range(5):
        movie[frame, 10:20, 10 + 3 * frame : 22 + 3 * frame] = 900
    tifffile.imwrite(tmp_path / "movie.tif", movie, imagej=True, metadata={"axes": "TYX"})
    words = [
        "track",
        str(tmp_path / "movie.tif"),
        "--model",
        bundle,
        "--trust",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(words) == 0
    assert np.loadtxt(tmp_path / "out/res_track.txt", int).tolist() == [1, 0, 4, 0]
    assert (tmp_path / "out/movie.gif").is_file()


def test_a_channel_is_chosen_and_others_are_named(bundle: str, truth: np.ndarray, tmp_path: Path) -> None:
    both = np.stack([np.full_like(truth[9], 7), pictured(truth)[9]]).astype(np.uint16)
    both[0, :4] = 50
    names = {"axes": "CYX", "Channel": {"Name": ["BF", "DAPI"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", both, metadata=names)
    assert run(bundle, tmp_path / "a.ome.tif", "--channel", "dapi", "--out", tmp_path / "out", "--trust") == 0
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out/labels/a.ome.tif") > 0, truth[9] > 0)
    assert run(bundle, tmp_path / "a.ome.tif", "--out", tmp_path / "all", "--trust") == 1
    reason = "2 channels; only 1, 3 or 4 channels can be converted to 1; choose one with --channel"
    assert reason in (tmp_path / "all/failures.csv").read_text()
    assert run(bundle, tmp_path / "a.ome.tif", "--channel", "2", "--out", tmp_path / "no", "--trust") == 1
    reason = "there is no channel 2; choose from 0 to 1, or by name: bf, dapi"
    assert reason in (tmp_path / "no/failures.csv").read_text()


@pytest.mark.parametrize("option", ["--overlay", "--attention"])
def test_pictures_of_stacks_are_refused_before_the_work(
    bundle: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiled(tmp_path / "a.tif", np.ones((3, 9, 9), np.uint8), "ZYX")
    assert run(bundle, tmp_path / "a.tif", option, "--out", tmp_path / "out", "--trust") == 1
    assert (
        "are made of single planes that fit into memory; leave them out, or choose a plane with --z"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


def test_a_bundle_from_before_stacks_is_told(bundle: str, tmp_path: Path) -> None:
    import shutil

    old = shutil.copytree(bundle, tmp_path / "old")
    (old / "configs/inference_large.json").write_text('{"tile": 64}')
    write_tiled(tmp_path / "a.tif", np.ones((3, 9, 9), np.uint8), "ZYX")
    with pytest.raises(ValueError, match=r"a\.tif: has several planes .* render the bundle again"):
        predict(old, [tmp_path / "a.tif"], tmp_path / "out", trust=True)


def test_an_interrupted_stack_goes_on(bundle: str, truth: np.ndarray, tmp_path: Path) -> None:
    """The planes that are done are not segmented again: here they are changed to see that."""
    write_tiled(tmp_path / "a.tif", pictured(truth), "ZYX")
    (path,) = predict(bundle, [tmp_path / "a.tif"], tmp_path / "whole", trust=True)
    calls = 0
    forward = torch.nn.Conv2d.forward

    def stops(self: torch.nn.Conv2d, image: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 13:
            raise KeyboardInterrupt
        return forward(self, image)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Conv2d, "forward", stops)
        with pytest.raises(KeyboardInterrupt):
            predict(bundle, [tmp_path / "a.tif"], tmp_path / "out", trust=True)
        assert len(list((tmp_path / "out/unfinished").rglob("tiles/*/0.npy"))) == 12
        (again,) = predict(bundle, [tmp_path / "a.tif"], tmp_path / "out", trust=True)
    assert calls == 13 + len(truth) - 12
    np.testing.assert_array_equal(tifffile.imread(again), tifffile.imread(path))


@pytest.mark.parametrize("ending", [".tif", ".ome.zarr"])
def test_an_image_that_would_not_fit_into_memory_is_segmented_in_tiles(
    bundle: str, truth: np.ndarray, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = tmp_path / f"slide{ending}"
    write_tiled(slide, np.tile(pictured(truth)[15], (4, 4)), "YX")
    assert run(bundle, slide, "--out", tmp_path / "whole", "--trust") == 0
    monkeypatch.setenv(MEMORY, "0.02")
    assert why_in_parts(str(slide), Reading()) == "is too large to be segmented as a whole"
    tiles = [*map(str, ("--out", tmp_path / "tiles", "--trust")), "--set", "tile=128", "halo=40"]
    assert run(bundle, slide, *tiles) == 0
    whole, found = (
        read_picture(next((tmp_path / name / "labels").iterdir()), "label").rows_columns().astype(np.int32)
        for name in ("whole", "tiles")
    )
    np.testing.assert_array_equal(found > 0, whole > 0)
    assert f1(found, whole) == 1


def test_an_image_that_fits_neither_whole_nor_in_parts(
    bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (400, 400)).save(tmp_path / "a.png")
    monkeypatch.setenv(MEMORY, "0.004")
    assert run(bundle, tmp_path / "a.png", "--out", tmp_path / "out", "--trust") == 1
    reason = "400 × 400 pixels take 0.0 GB, but one image may take 0.0 GB here; save it as a tiled TIFF"
    assert reason in (tmp_path / "out/failures.csv").read_text()
