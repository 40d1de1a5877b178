"""As few images as a lesson draws train a bundle with the options that it has."""

from pathlib import Path

from cellseg_monai.data import write_synthetic_dataset
from tests.bundles.reduced import copied


def test_six_images_of_three_dishes_are_split_into_three_folds(tmp_path: Path) -> None:
    dataset = write_synthetic_dataset("nuclei", tmp_path / "set", count=6, size=(64, 80)).parent
    bundle = copied("patch_attention_unet", tmp_path)
    where = {"dataset_dir": dataset, "output_dir": tmp_path / "run", "ckpt_dir": tmp_path / "run"}
    told = bundle.command("run", config_file="configs/train.json", max_epochs=1, **where, **bundle.options)
    assert told.count("3 folds instead of 5, because there are only 3 groups") == 1
    assert (tmp_path / "run/model.pt").is_file()
