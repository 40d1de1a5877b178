"""Folders of runs to one HTML file, section by section."""
