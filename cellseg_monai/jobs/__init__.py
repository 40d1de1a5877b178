"""The verbs: each takes files, does one job by the stages, and writes files.

Each is one function, and each loads when it is first used, since none needs the libraries of the others. The
names and their modules are listed in ``__init__.pyi``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
