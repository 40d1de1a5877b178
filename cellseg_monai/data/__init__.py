"""From files on disk to a list of items: readers, datalists, public layouts, splits, checks, synthetic data.

Everything is imported on first use, from the modules in ``__init__.pyi``: a running bundle needs no checks,
imports or synthetic data, and MONAI takes seconds to import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
