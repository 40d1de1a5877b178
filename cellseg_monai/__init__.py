"""Cell segmentation from few annotated images, as MONAI bundles.

Data flows down one folder per stage, and the stages do not know each other: ``data`` (files to items),
``transforms`` (file to tensor), and so on. A bundle's configuration joins them. The verbs join them too; they
load when one is first used, because a bundle imports stages alone:

Example:
    >>> import cellseg_monai as cs
    >>> [verb for verb in ("predict", "evaluate", "measure") if callable(getattr(cs, verb))]
    ['predict', 'evaluate', 'measure']
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

__version__ = "0.1.0"
