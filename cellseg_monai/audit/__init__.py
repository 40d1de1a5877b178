"""Judge the files of a stranger's bundle before MONAI parses or Python executes anything of them."""

from cellseg_monai.audit.finding import Audit, Finding, Severity
from cellseg_monai.audit.keys import Key, read_key
from cellseg_monai.audit.policy import Policy, allowed, read_policy
from cellseg_monai.audit.signature import NotSigned, Signed, verify_files
from cellseg_monai.audit.whole import audit_files

__all__ = [
    "Audit",
    "Finding",
    "Key",
    "NotSigned",
    "Policy",
    "Severity",
    "Signed",
    "allowed",
    "audit_files",
    "read_key",
    "read_policy",
    "verify_files",
]
