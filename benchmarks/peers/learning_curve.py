r"""Compare the tools for several numbers of annotated images.

    python benchmarks/peers/learning_curve.py --train nuclei/train --test nuclei/test --counts 5,10,20 \
        --out curve

The images of a smaller number are among those of a larger one. Each tool always has the same budget.
The results are the comparisons, `learning_curve.csv`, `learning_curve.md`, and `report.html` with the curves.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from compare import carried_out, in_words, parser_of
from environment import HERE
from report import scores

from cellseg_monai.data import labelled, list_items
from cellseg_monai.export.markdown import markdown
from cellseg_monai.jobs import report
from cellseg_monai.studies import Recipe, learning_curve

FEWEST = 5
"""Smallest number of images that can be split into five parts, one of them for validation."""

BUNDLE = HERE.parents[1] / "bundles/patch_attention_unet"


def listings(train: Path, counts: list[int], seed: int, out: Path) -> dict[int, Path]:
    """Write a list of images for each number of images."""
    items = labelled(list_items(train.resolve()))
    files = {}
    for run in learning_curve(Recipe(BUNDLE, seeds=[seed]), items, [], counts):
        file = out / f"images_{len(run.train)}.json"
        file.write_text(json.dumps({"training": list(run.train)}, indent=1))
        files[len(run.train)] = file
    return files


def curves(out: Path, counts: list[int], tools: list[str], test: Path, metric: str) -> pd.DataFrame:
    """Mean score of each tool for each number of images, for the runs that succeeded."""
    return pd.DataFrame(
        {"images": count, "score": scores(labels, test)[metric].mean(), "model": tool}
        for tool in tools
        for count in counts
        if (labels := out / f"images_{count}" / tool / "labels_1").is_dir()
    )


def main() -> None:
    """Read the command line."""
    parser = parser_of(__doc__)
    parser.add_argument("--counts", required=True, metavar="N,N", help="numbers of images, at least 5")
    parser.add_argument(
        "--metric", choices=["dice", "f1"], default="f1", help="metric of the table (default f1)"
    )
    options = parser.parse_args()
    counts = sorted({int(count) for count in options.counts.split(",")})
    if counts[0] < FEWEST:
        parser.error(f"{counts[0]} images are too few to split for all tools; use {FEWEST} or more")
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    failed: dict[str, Exception] = {}
    for count, listing in listings(options.train, counts, options.seed, out).items():
        failed |= carried_out(options, listing, out / f"images_{count}")
    found = curves(out, counts, options.tools, options.test, options.metric)
    found.to_csv(out / "learning_curve.csv", index=False)
    wide = found.pivot(index="images", columns="model", values="score")[list(found["model"].unique())]
    table = markdown(
        ["images", *wide.columns],
        [[count, *(f"{score:.3f}" for score in row)] for count, *row in wide.itertuples()],
    )
    (out / "learning_curve.md").write_text(table + "\n")
    report([out], out / "report.html")
    print(table)
    sys.exit(in_words(failed) or 0)


if __name__ == "__main__":
    main()
