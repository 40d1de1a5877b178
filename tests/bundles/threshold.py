"""A bundle whose network is a threshold, with weights: it segments bright nuclei, and is made in no time."""

import shutil
from pathlib import Path

import torch

from cellseg_monai.bundling import render_bundles
from tests.bundles.reduced import BUNDLES

SOURCE = """
metadata:
  name: Threshold
  description: What is bright is cell
  data_source: images drawn by a program (CC0)
  network_data_format#outputs#pred#num_channels: 1
  network_data_format#outputs#pred#channel_def: {0: cell}
shared:
  network_def: {_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 1, kernel_size: 1}
  target: "%targets#foreground"
  decoding: "%decodings#foreground"
"""


def threshold_bundle(folder: Path) -> Path:
    """Made at ``<folder>/bundles/threshold``, beside a copy of the base."""
    shutil.copytree(BUNDLES / "_base", folder / "bundles/_base")
    bundle = folder / "bundles/threshold"
    (bundle / "models").mkdir(parents=True)
    shutil.copy(BUNDLES / "skip_unet/LICENSE", bundle)
    (bundle / "bundle.yaml").write_text(SOURCE)
    (bundle / "card.md").write_text("# Threshold\n\n<!-- results -->\n\n<!-- commands -->\n")
    network = torch.nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        network.weight.fill_(20)
        network.bias.fill_(-8)
    torch.save(network.state_dict(), bundle / "models/model.pt")
    render_bundles(bundle)
    return bundle
