"""Cell segmentation from few annotated images, as MONAI bundles.

Data flows down one folder per stage, and the stages do not know each other: ``data`` (files to items),
``transforms`` (file to tensor), and so on. A bundle's configuration joins them.
"""

__version__ = "0.1.0"
