"""How MONAI names a layer in a config: by a word, or by a word and its arguments."""

from collections.abc import Mapping
from typing import Any

LayerSpec = str | tuple[str, Mapping[str, Any]]
"""Such as ``"batch"`` or ``("group", {"num_groups": 8})``; ``""`` is no layer at all."""
