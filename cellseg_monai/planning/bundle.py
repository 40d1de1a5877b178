"""The bundle of a plan: its sources, its configurations, and the weights that it starts from."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from cellseg_monai.bundling.render import render_bundles
from cellseg_monai.bundling.sources import SOURCE, load_source
from cellseg_monai.outputs import write_text
from cellseg_monai.planning.plan import Choice, Plan

CARD = """# {title}

{facts}.

Trained by `cellseg train`. `plan.json` has each choice with its reason, and `bundle.yaml` has their values.

<!-- results -->

<!-- commands -->
"""

_CHANNELS = {1: {0: "intensity"}, 3: {0: "red", 1: "green", 2: "blue"}}


def write_bundle(folder: Path, source: Path, plan: Plan, facts: str, metadata: Mapping[str, Any]) -> None:
    """Write the sources of a bundle and render it.

    Args:
        folder: folder of the new bundle.
        source: folder of the bundle whose network and training it takes over.
        plan: choices that differ from the source.
        facts: description of the training images.
        metadata: values of the metadata by id.
    """
    sections = load_source(source / SOURCE)
    own = {name: sections.get(name, {}) for name in ("shared", "train")}
    sources = [
        f"# Written by cellseg train, from {source.name}: {facts}",
        _yaml({"metadata": dict(metadata)}),
    ]
    for name in ("shared", "train"):
        planned = plan.options(name)
        kept = {path: value for path, value in own[name].items() if path not in planned}
        lines = [f"{name}:"]
        lines += [_indented(_yaml(kept))] if kept else []
        lines += [_explained(choice) for choice in plan.choices if choice.section == name]
        sources.append("\n".join(lines) if len(lines) > 1 else f"{name}: {{}}")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / "LICENSE", folder)
    write_text(folder / "card.md", CARD.format(title=folder.resolve().name, facts=facts))
    write_text(folder / SOURCE, "\n\n".join(sources) + "\n")
    render_bundles(folder)


def describe_network(
    channels: int, outputs: int, classes: Mapping[str, int] | None, side: int
) -> dict[str, Any]:
    """Metadata of the input and the output of the network.

    Example:
        >>> describe_network(3, 2, None, 128)["network_data_format#inputs#image#channel_def"]
        {0: 'red', 1: 'green', 2: 'blue'}
    """
    names = _CHANNELS.get(channels, {number: f"channel {number + 1}" for number in range(channels)})
    cells = {0: "background", 1: "cell"} if outputs > 1 else {0: "cell"}
    found = cells if classes is None else {number: f"value {value}" for value, number in classes.items()}
    return {
        "network_data_format#inputs#image#num_channels": channels,
        "network_data_format#inputs#image#channel_def": names,
        "network_data_format#inputs#image#spatial_shape": [side, side],
        "network_data_format#outputs#pred#spatial_shape": [side, side],
        "network_data_format#outputs#pred#num_channels": outputs,
        "network_data_format#outputs#pred#channel_def": found,
    }


def _explained(choice: Choice) -> str:
    return _indented(f"# {choice.what}: {choice.reason}\n{_yaml(choice.options)}")


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=110).rstrip()


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines() if line != "{}")
