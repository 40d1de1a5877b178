"""MONAI Label's web application behind checks: of who asks, of names, and of the values of parameters."""
