"""Type of the layers that MONAI builds by name."""

from collections.abc import Mapping
from typing import Any

LayerSpec = str | tuple[str, Mapping[str, Any]]
"""Layer name, or name and arguments: ``"batch"``, ``("group", {"num_groups": 8})``; ``""`` is no layer."""
