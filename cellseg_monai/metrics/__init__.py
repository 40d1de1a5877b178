"""Scores of predicted and true label maps: pixels, instances, tracks, and whole studies.

The functions do the mathematics. :class:`LabelMapMetric` collects any of them over images for MONAI, and
handlers put instance and pixel scores into an engine.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
