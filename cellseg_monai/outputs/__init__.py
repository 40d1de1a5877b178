"""Results on disk: whole or absent, inside the folder the user named, and never over somebody else's file."""

from cellseg_monai.outputs.claim import Claim, claim_file, claim_outputs
from cellseg_monai.outputs.inside import inside
from cellseg_monai.outputs.lock import FolderInUse, locked
from cellseg_monai.outputs.whole import OutputError, in_plain_words, write_bytes, write_text, written_whole

__all__ = [
    "Claim",
    "FolderInUse",
    "OutputError",
    "claim_file",
    "claim_outputs",
    "in_plain_words",
    "inside",
    "locked",
    "write_bytes",
    "write_text",
    "written_whole",
]
