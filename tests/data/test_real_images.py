"""The real images that the repository holds are few, small, and named with their source."""

from pathlib import Path


def test_they_stay_small(real_images: Path) -> None:
    assert sum(path.stat().st_size for path in real_images.rglob("*") if path.is_file()) < 100 * 1024


def test_each_is_named_in_the_readme(real_images: Path) -> None:
    readme = (real_images / "README.md").read_text()
    images = [path for path in real_images.rglob("*") if path.suffix in (".tif", ".png")]
    outside_masks = [path for path in images if "masks" not in path.parts]
    assert len(outside_masks) == 16
    for path in outside_masks:
        folder = path.relative_to(real_images).as_posix().split("/images/")[0]
        assert f"`{folder.split('/')[0]}" in readme
        assert path.stem[:8] in readme
