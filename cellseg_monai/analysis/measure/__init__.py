"""Measurements of the cells of a label map, as tables."""
