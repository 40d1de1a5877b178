"""Layers that the annotation widget adds to the viewer, and what becomes of them at the next image."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Shown:
    """Layers of the image that is being labelled.

    Args:
        viewer: viewer of napari.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._known: dict[Any, npt.NDArray[Any] | None] = {}

    def open(self, file: Path, labels: npt.NDArray[np.int32] | None) -> tuple[Any, Any]:
        """Show an image and its labels instead of the image before.

        Args:
            file: file of the image.
            labels: labels to correct; None for an empty layer.

        Returns:
            Layer of the image (of its first channel), and layer of the labels.
        """
        self._put_away()
        layers = self._viewer.open(str(file), plugin="cellseg-monai")
        image = layers[0]
        if labels is None:
            labels = np.zeros(image.data.shape[:2] if image.rgb else image.data.shape, np.int32)
        added = self._viewer.add_labels(labels, name=f"{image.name} labels")
        self.remember(*layers)
        self.remember(added)
        return image, added

    def add(self, labels: npt.NDArray[np.int32], name: str, place: dict[str, Any]) -> Any:
        """Add proposed labels, without taking the brush from the layer that is in use.

        Args:
            labels: labels.
            name: name of the layer.
            place: scale and translation of the image.

        Returns:
            The layer.
        """
        selected = set(self._viewer.layers.selection)
        layer = self._viewer.add_labels(labels, name=name, **place)
        self.remember(layer)
        if selected:
            self._viewer.layers.selection = selected
        return layer

    def remember(self, *layers: Any) -> None:
        """Note that layers may be removed at the next image, unless their labels change again."""
        for layer in layers:
            self._known[layer] = layer.data.copy() if hasattr(layer, "paint") else None

    def _put_away(self) -> None:
        """Remove the layers of the image before; if its labels are not saved, hide them. Hide all others."""
        from napari.utils.notifications import show_warning

        layers = [layer for layer in self._known if layer in self._viewer.layers]
        if changed := [layer.name for layer in layers if self._changed(layer)]:
            show_warning(f"{', '.join(changed)}: changed and not saved; the layers of the image are hidden")
        else:
            for layer in layers:
                self._viewer.layers.remove(layer)
        self._known.clear()
        for layer in self._viewer.layers:
            layer.visible = False

    def _changed(self, layer: Any) -> bool:
        data = self._known[layer]
        return data is not None and not np.array_equal(layer.data, data)
