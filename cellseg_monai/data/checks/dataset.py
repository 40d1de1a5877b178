"""The check of a whole dataset: every pair by itself, then all against each other."""

from concurrent.futures import ThreadPoolExecutor
from os import PathLike
from pathlib import Path

from cellseg_monai.data.checks.across import check_classes, check_duplicates, check_groups, check_uniformity
from cellseg_monai.data.checks.collection import collect
from cellseg_monai.data.checks.pair import check_pair
from cellseg_monai.data.checks.report import CheckReport


def check_dataset(source: str | PathLike[str], recursive: bool = False) -> CheckReport:
    """Read everything and report what a careful colleague would notice before training.

    Args:
        source: a dataset as :func:`~cellseg_monai.data.list_items` takes it, or a folder of such datasets
            (``train/``, ``test/``), which are then also compared with each other.
        recursive: look into sub-folders of ``images/`` and ``masks/``.

    Returns:
        Findings and figures. One unreadable file never hides the others.

    Raises:
        FileNotFoundError: there is no such source.

    Example:
        >>> from cellseg_monai.data import write_synthetic_dataset
        >>> import tempfile
        >>> folder = write_synthetic_dataset("nuclei", f"{tempfile.mkdtemp()}/set", count=2, size=(64, 96))
        >>> report = check_dataset(folder)
        >>> report.failed, len(report.images)
        (False, 2)
    """
    root = Path(source)
    if not root.exists():
        raise FileNotFoundError(f"{root}: there is no such folder or file")
    items, findings = collect(root, recursive)
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda entry: check_pair(*entry), items))
    facts = [fact for fact, _ in results if fact is not None]
    findings.extend(finding for _, complaints in results for finding in complaints)
    findings.extend(check_duplicates(facts))
    findings.extend(check_groups(items))
    findings.extend(check_classes(facts))
    findings.extend(check_uniformity(facts))
    return CheckReport(str(root), facts, findings)
