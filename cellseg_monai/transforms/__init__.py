"""File to tensor: what MONAI lacks for microscopy, as functions, array and dictionary transforms."""
