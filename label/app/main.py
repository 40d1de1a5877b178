"""MONAI Label's stock app ``monaibundle``, with trainings that work with the requests of viewers."""

import sys
from pathlib import Path
from typing import Any

from monailabel.interfaces.app import MONAILabelApp
from monailabel.utils.others.class_utils import module_from_file

STOCK = Path(sys.prefix) / "monailabel/sample-apps/monaibundle/main.py"

stock = module_from_file("monaibundle", str(STOCK))


class BundleApp(stock.MyApp, MONAILabelApp):
    """The stock app. MONAI Label looks for a class with the base ``MONAILabelApp``."""

    def train(self, request: dict[str, Any]) -> Any:
        """Train with the part ``run`` of the configuration.

        MONAI Label lists an empty ``run_id``. Viewers send it back, and it would run the whole configuration.
        """
        return super().train({name: value for name, value in request.items() if name != "run_id"})
