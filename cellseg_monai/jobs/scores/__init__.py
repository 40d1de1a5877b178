"""Pairs of label maps to a table of scores and its summary."""
