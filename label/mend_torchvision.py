"""Make torchvision importable with a PyTorch without CUDA.

The torchvision of the package index is compiled for CUDA. With a CPU build of torch its operators cannot be
loaded. The import then fails, because torchvision describes two operators that do not exist. MONAI Label
needs only ``torchvision.utils`` and none of the operators, so this script declares the two. If torchvision
works, it changes nothing.
"""

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

DECLARED = """

if not _has_ops():  # added by mend_torchvision.py
    _declared = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _declared.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""


def main() -> int:
    """Change torchvision if necessary; return 1 if it still cannot be imported."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if _error() is None:
        return 0
    package = importlib.util.find_spec("torchvision")
    if package is None or package.origin is None:
        logger.error("torchvision is not installed")
        return 1
    with (Path(package.origin).parent / "extension.py").open("a") as extension:
        extension.write(DECLARED)
    error = _error()
    if error is not None:
        logger.error("torchvision cannot be imported:\n%s", error)
        return 1
    logger.info("torchvision is compiled for CUDA and torch is not; its operators are not available")
    return 0


def _error() -> str | None:
    """Error of the import in a new interpreter, or None."""
    command = [sys.executable, "-c", "import torchvision.utils"]
    done = subprocess.run(command, capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr


if __name__ == "__main__":
    sys.exit(main())
