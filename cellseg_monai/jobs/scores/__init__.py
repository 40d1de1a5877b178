"""Pairs of label maps to a table of scores, and the table to statements."""
