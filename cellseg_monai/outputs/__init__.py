"""Results on disk: complete or absent, inside the folder that the user named, never over other files."""

from cellseg_monai.outputs.claim import claim_file, claim_outputs, require_free
from cellseg_monai.outputs.claimed import Claim
from cellseg_monai.outputs.containment import StrPath, inside, require_apart
from cellseg_monai.outputs.journal import Entry, written_in
from cellseg_monai.outputs.lock import FolderInUse, locked
from cellseg_monai.outputs.run_record import Run
from cellseg_monai.outputs.verification import verify_run
from cellseg_monai.outputs.whole import OutputError, in_plain_words, write_bytes, write_text, written_whole

__all__ = [
    "Claim",
    "Entry",
    "FolderInUse",
    "OutputError",
    "Run",
    "StrPath",
    "claim_file",
    "claim_outputs",
    "in_plain_words",
    "inside",
    "locked",
    "require_apart",
    "require_free",
    "verify_run",
    "write_bytes",
    "write_text",
    "written_in",
    "written_whole",
]
