"""MONAI Label's web application with checks of the caller, of names, and of the values of parameters."""
