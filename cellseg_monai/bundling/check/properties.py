"""The ids by which other programs of MONAI find their way in a bundle."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.properties import InferProperties, TrainProperties
from monai.utils import BundleProperty, BundlePropertyConfig

from cellseg_monai.bundling.check.configs import load_config
from cellseg_monai.data.checks.finding import Finding, error

_PROPERTIES = {"train": TrainProperties, "inference": InferProperties}


def check_properties(bundle: Path) -> Iterator[Finding]:
    """Apply MONAI's own tables of properties.

    ``ConfigWorkflow.check_properties`` does the same, but instantiates the trainer and so needs a dataset.
    """
    for name, properties in _PROPERTIES.items():
        with TemporaryDirectory() as output:
            parser = load_config(bundle, name, output)
        file = str(bundle / "configs" / f"{name}.json")
        for message, remedy in property_faults(parser, properties):
            yield error("property", file, message, remedy)


def property_faults(
    parser: ConfigParser, properties: Mapping[str, Mapping[Any, Any]]
) -> Iterator[tuple[str, str]]:
    """Required ids must be there; where an optional one is used, it must be by a literal reference.

    Args:
        parser: a configuration.
        properties: a table of ``monai.bundle.properties``.

    Yields:
        Message and remedy.

    Example:
        >>> parser = ConfigParser({"evaluator": {"postprocessing": "@after"}})
        >>> post = {k: v for k, v in InferProperties.items() if k == "postprocessing"}
        >>> next(property_faults(parser, post))[0]
        'evaluator#postprocessing is @after; MONAI looks for the postprocessing at @postprocessing'
    """
    for name, entry in properties.items():
        place = entry[BundlePropertyConfig.ID]
        if entry.get(BundleProperty.REQUIRED):
            if place not in parser:
                yield f"{_id(place)} is missing, which MONAI requires", "add it to the base and render"
            continue
        user = entry.get(BundlePropertyConfig.REF_ID)
        used = _validation_argument(parser, user) if name in ("evaluator", "val_interval") else user
        value = parser.get(used) if used else None
        if isinstance(value, str) and not value.startswith("$") and value != f"@{place}":
            expected = f"MONAI looks for the {name} at @{_id(place)}"
            yield f"{_id(used)} is {_id(value)}; {expected}", f"write @{_id(place)} there"


def _validation_argument(parser: ConfigParser, argument: Any) -> str | None:
    """The id of an argument of the ValidationHandler, wherever among the handlers it stands."""
    for index, handler in enumerate(parser.get("train::handlers") or []):
        if isinstance(handler, dict) and handler.get("_target_") == "ValidationHandler":
            return f"train::handlers::{index}::{argument}"
    return None


def _id(place: Any) -> str:
    return str(place).replace("::", "#")
