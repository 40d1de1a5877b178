"""Judge the files of a stranger's bundle before MONAI parses or Python executes anything of them."""

from cellseg_monai.audit.finding import Audit, Finding, Severity
from cellseg_monai.audit.policy import Policy, allowed, read_policy
from cellseg_monai.audit.whole import audit_files

__all__ = ["Audit", "Finding", "Policy", "Severity", "allowed", "audit_files", "read_policy"]
