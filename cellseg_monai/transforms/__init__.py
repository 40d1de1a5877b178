"""File to tensor: what MONAI's transforms lack for microscopy, as functions, array and dictionary transforms."""
