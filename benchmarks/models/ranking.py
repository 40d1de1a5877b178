"""How well the ranking of models without labels agrees with the ranking by labels.

    python benchmarks/models/ranking.py nuclei/train phase/train

For each dataset: the model that is chosen without labels, its agreement, and its F1 on labelled crops of a
few images beside that of the best of the models, each at the scale that was chosen without labels.
Then the rank correlation of agreement and F1, the mean loss, and how often it is at most 0.05.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.stats import spearmanr

from cellseg_monai.data import labelled, list_items
from cellseg_monai.planning import rank_models
from cellseg_monai.planning.crops import labelled_crops
from cellseg_monai.planning.starts import try_model


def compare(dataset: str) -> tuple[float, float]:
    """Print a line; return the rank correlation and the loss of F1."""
    items = labelled(list_items(dataset))
    with TemporaryDirectory() as folder:
        alone = Path(folder, "images.json")
        alone.write_text(json.dumps({"training": [{"image": str(item["image"])} for item in items]}))
        ranking = rank_models(alone)
    crops = labelled_crops(items)
    truths = [
        try_model(trial.model, trial.scale, crops, "cells", plain=False).score for trial in ranking.trials
    ]
    best, chosen = int(np.argmax(truths)), ranking.trials[0]
    correlation = float(spearmanr([trial.score for trial in ranking.trials], truths)[0])
    found = f"{chosen.model.name} at {chosen.scale:g}, agreement {chosen.score:.2f}, F1 {truths[0]:.2f}"
    reference = f"best {ranking.trials[best].model.name} {truths[best]:.2f}"
    print(f"{dataset}: {found}; {reference}; rank correlation {correlation:.2f}", flush=True)
    return correlation, truths[best] - truths[0]


def main() -> None:
    """Compare the rankings on each dataset."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("datasets", nargs="+", help="datasets with labels")
    correlations, losses = np.transpose([compare(dataset) for dataset in parser.parse_args().datasets])
    print(
        f"mean rank correlation {correlations.mean():.2f}; mean loss {losses.mean():.3f}; "
        f"at most 0.05 in {(losses <= 0.05).sum()} of {losses.size}"
    )


if __name__ == "__main__":
    main()
