"""What a bundle says it needs is what is tested."""

import re
from pathlib import Path

from monai.bundle import ConfigParser

REPOSITORY = Path(__file__).resolve().parents[2]


def test_versions_in_the_metadata_are_those_of_the_tested_set() -> None:
    metadata = ConfigParser.load_config_file(REPOSITORY / "bundles/_base/metadata.yaml")
    lines = (REPOSITORY / "constraints.txt").read_text().splitlines()
    tested = dict(
        line.split(" ;")[0].split("==") for line in lines if "==" in line and "< '3.11'" not in line
    )
    promised = {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
        **metadata["required_packages_version"],
    }
    project = (REPOSITORY / "pyproject.toml").read_text()
    ours = promised.pop("cellseg-monai")
    assert promised == {name: tested[name] for name in promised}
    assert ours == re.search(r'^version = "(.+)"', project, re.MULTILINE)[1]
    assert re.search(r'"monai>=([^"]+)"', project)[1] == tested["monai"]  # older ones have known holes
