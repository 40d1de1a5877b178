"""From annotated images to a trained bundle: look at the images, plan, train, compare with the start.

Everything is imported on first use, from the modules in ``__init__.pyi``: the check of a dataset does not
wait for MONAI.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
