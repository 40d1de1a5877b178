"""The command ``cellseg``: each verb is one call, and each file here holds the verbs of one kind.

Verbs import what they need when they run, so ``cellseg --help`` answers at once.
"""

from cellseg_monai.cli.command import main

__all__ = ["main"]
