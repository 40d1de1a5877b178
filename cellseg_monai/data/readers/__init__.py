"""One reader for all image files: TIFF, OME-Zarr, PNG, JPEG, BMP, NIfTI, NRRD and MetaImage."""
