"""The ids that other programs of MONAI look for in a bundle."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.properties import InferProperties, TrainProperties
from monai.utils import BundleProperty, BundlePropertyConfig

from cellseg_monai.bundling.check.configs import load_config, plain_id
from cellseg_monai.data.checks.finding import Finding, error


def check_properties(bundle: Path) -> Iterator[Finding]:
    """Check the configurations against MONAI's own tables of properties.

    ``ConfigWorkflow.check_properties`` does the same, but creates the trainer and so needs a dataset.
    """
    for name, properties in (("train", TrainProperties), ("inference", InferProperties)):
        file = str(bundle / "configs" / f"{name}.json")
        for message, remedy in property_faults(load_config(bundle, name), properties):
            yield error("property", file, message, remedy)


def property_faults(
    parser: ConfigParser, properties: Mapping[str, Mapping[Any, Any]]
) -> Iterator[tuple[str, str]]:
    """Check that required ids exist, and that optional ones are used by a literal reference.

    Args:
        parser: configuration to check.
        properties: table of ``monai.bundle.properties``.

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
                yield f"{plain_id(place)} is missing, but MONAI requires it", "add it to the base and render"
            continue
        user = entry.get(BundlePropertyConfig.REF_ID)
        used = _validation_argument(parser, user) if name in ("evaluator", "val_interval") else user
        value = parser.get(used) if used else None
        if isinstance(value, str) and not value.startswith("$") and value != f"@{place}":
            expected = f"@{plain_id(place)}"
            message = f"{plain_id(used)} is {plain_id(value)}; MONAI looks for the {name} at {expected}"
            yield message, f"write {expected} there"


def _validation_argument(parser: ConfigParser, argument: Any) -> str | None:
    """Id of an argument of the ValidationHandler among the handlers."""
    for index, handler in enumerate(parser.get("train::handlers") or []):
        if isinstance(handler, dict) and handler.get("_target_") == "ValidationHandler":
            return f"train::handlers::{index}::{argument}"
    return None
