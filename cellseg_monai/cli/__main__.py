"""``python -m cellseg_monai.cli`` is ``cellseg``."""

import sys

from cellseg_monai.cli.command import main

if __name__ == "__main__":
    sys.exit(main())
