"""Combine comparisons in a table as in Chen et al.: Dice per task, coverage, final score, F1 of cells.

    python benchmarks/peers/tasks.py nuclei=RESULT_1 phase=RESULT_2 filaments=RESULT_3

Each result is a folder of `compare.py`. A tool that is not in a comparison, because its result would have no
meaning, does not cover the task.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from compare import SETTINGS
from report import scores
from tools import TOOLS

from cellseg_monai.data import list_items, read_label_map
from cellseg_monai.metrics import task_scores
from cellseg_monai.metrics.mask_content import binary_maps, content_of


def scored(results: Mapping[str, Path]) -> dict[str, dict[str, pd.DataFrame]]:
    """Compute the scores of the images, by tool and task."""
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for task, folder in results.items():
        for tool in TOOLS:
            labels = folder / tool / "labels_1"
            if (labels / "done.json").is_file():
                found.setdefault(tool, {})[task] = scores(labels, test_of(folder))
    return found


def test_of(result: Path) -> Path:
    """Folder of the test images of a comparison."""
    return Path(json.loads((result / SETTINGS).read_text())["test"])


def has_cells(result: Path) -> bool:
    """Whether the masks have separate cells, so that F1 has a meaning."""
    truths = [read_label_map(item["label"]) for item in list_items(test_of(result))]
    return not all(binary_maps([content_of(truth) for truth in truths]))


def render(tasks: list[str], with_cells: list[str], found: Mapping[str, Mapping[str, pd.DataFrame]]) -> str:
    """Render the table in Markdown."""
    head = ["tool", *(f"{task}, Dice" for task in tasks), "average", "coverage", "final score"]
    lines = [[*head, *(f"{task}, F1" for task in with_cells)]]
    for tool, tables in found.items():
        dice = {task: float(tables[task]["dice"].mean()) if task in tables else None for task in tasks}
        final = task_scores(dice)
        f1 = [
            f"{tables[task]['f1'].mean():.3f}" if task in tables else "not applicable" for task in with_cells
        ]
        told = ["not applicable" if value is None else f"{value:.3f}" for value in dice.values()]
        lines.append(
            [tool, *told, f"{final.average:.3f}", f"{final.coverage:.2f}", f"{final.final:.3f}", *f1]
        )
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Read the command line."""
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("results", nargs="+", metavar="TASK=FOLDER")
    named = (result.split("=", 1) for result in parser.parse_args().results)
    results = {task: Path(folder) for task, folder in named}
    with_cells = [task for task, folder in results.items() if has_cells(folder)]
    print(render(list(results), with_cells, scored(results)))


if __name__ == "__main__":
    main()
