"""Names of the classes that a bundle tells apart."""

import json
from pathlib import Path

from cellseg_monai.outputs import StrPath


def class_names(bundle: StrPath) -> dict[int, str]:
    """Names of the classes in the metadata of a bundle; empty if it does not have any.

    Args:
        bundle: folder of the bundle.

    Example:
        >>> class_names("bundles/patch_attention_unet")
        {0: 'background', 1: 'cell'}
    """
    file = Path(bundle) / "configs/metadata.json"
    if not file.is_file():
        return {}
    outputs = json.loads(file.read_text(encoding="utf-8")).get("network_data_format", {}).get("outputs", {})
    names = outputs.get("pred", {}).get("channel_def", {})
    return {int(number): str(name) for number, name in names.items()}
