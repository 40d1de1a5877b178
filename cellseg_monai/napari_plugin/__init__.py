"""Plugin for napari: a reader, a widget that segments with a bundle, and one that trains with your labels.

``napari.yaml`` declares them. What is listed here needs no napari, and loads when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
