"""Tensor to logits: networks, and the blocks they are made of."""

from cellseg_monai.networks.blocks.skips import SkipConnections

__all__ = ["SkipConnections"]
