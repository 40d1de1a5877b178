"""Probability map to label map."""

from cellseg_monai.instances.components import Components, Componentsd, components

__all__ = ["Components", "Componentsd", "components"]
