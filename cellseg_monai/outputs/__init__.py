"""Results on disk: whole or absent, inside the folder the user named, and never over somebody else's file."""

from cellseg_monai.outputs.claim import Claim, claim_file, claim_outputs
from cellseg_monai.outputs.inside import inside
from cellseg_monai.outputs.lock import locked
from cellseg_monai.outputs.whole import OutputError, write_bytes, write_text, written_whole

__all__ = [
    "Claim",
    "OutputError",
    "claim_file",
    "claim_outputs",
    "inside",
    "locked",
    "write_bytes",
    "write_text",
    "written_whole",
]
