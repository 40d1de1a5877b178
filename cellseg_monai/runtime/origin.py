"""Bundle and weights of an inference, for the metadata of its results and for ``run.json``."""

import json
from pathlib import Path

from cellseg_monai.outputs import StrPath
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.origin import Origin
from cellseg_monai.runtime.settings import settings_beside

_CONFIGS = ("metadata.json", "inference*.json", "choices.json")


def origin_of(bundle_root: StrPath, weights: StrPath | None = None) -> Origin:
    """Name bundle and weights.

    Args:
        bundle_root: folder of the bundle.
        weights: file of the weights; None if the network has its own.

    Example:
        >>> from cellseg_monai.runtime import find_bundle
        >>> bundle = find_bundle("skip_unet")
        >>> sorted(origin_of(bundle, bundle / "models/model.pt").facts)
        ['bundle', 'bundle_version', 'weights', 'weights_sha256']
    """
    bundle = Path(bundle_root)
    stated = bundle / "configs/metadata.json"
    known = json.loads(stated.read_text(encoding="utf-8")) if stated.is_file() else {}
    facts = {"bundle": bundle.resolve().name, "bundle_version": str(known.get("version", ""))}
    files = {"configs": [file for name in _CONFIGS for file in sorted((bundle / "configs").glob(name))]}
    if weights is not None and Path(weights).is_file():
        facts |= {"weights": Path(weights).name, "weights_sha256": digest_of(weights)}
        files["weights"] = [file for file in (Path(weights), settings_beside(weights)) if file.is_file()]
    return Origin(facts, files)
