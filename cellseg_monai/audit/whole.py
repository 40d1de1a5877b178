"""All files of a bundle, each judged by its kind."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from cellseg_monai.audit.configs import imports_of, judge_config
from cellseg_monai.audit.finding import Audit, Finding, Severity, ordered
from cellseg_monai.audit.logging_conf import judge_logging
from cellseg_monai.audit.manifest import judge_large_files, judge_manifest
from cellseg_monai.audit.policy import Policy, allowed
from cellseg_monai.audit.sources import Entry, Source, read_folder, read_zip
from cellseg_monai.audit.texts import MOST_BYTES, NotPlain, read_plain
from cellseg_monai.audit.weights import judge_binary
from cellseg_monai.outputs import StrPath

_CONFIGS = (".json", ".yaml", ".yml")
_LOGGING = (".conf", ".ini", ".cfg")
_PACKAGE = Path(__file__).resolve().parents[1]
_EXPECTED = (
    "LICENSE", "MANIFEST.sha256", "MANIFEST.sha256.sig", "README.md", "bundle.yaml", "card.md", "configs",
    "data", "docs", "doubts", "eval", "large_files.json", "large_files.yaml", "large_files.yml", "models",
    "plan.json", "report.html", "run.json", "training",
)  # fmt: skip


def audit_files(place: StrPath, policy: Policy | None = None) -> Audit:
    """Judge a bundle, or a file of weights, without importing, unpickling or evaluating anything of it.

    Args:
        place: folder or zip of a bundle, or a file of weights; the settings beside weights are judged too.
        policy: names that are allowed; by default those of the package.

    Raises:
        FileNotFoundError: there is no such folder or file.

    Example:
        >>> audit_files("nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere: there is no such bundle; give a folder, a zip or a file of weights
    """
    try:
        with opened(place) as source:
            return _audit(str(place), source, allowed() if policy is None else policy)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error) as error:
        why = f"the zip is damaged: {error}"
        finding = Finding(Severity.REFUSED, Path(place).name, "", type(error).__name__, why)
        return ordered(str(place), [finding], 0)


@contextmanager
def opened(place: StrPath) -> Iterator[Source]:
    """Open a bundle, or a file of weights with the settings beside it.

    Args:
        place: folder or zip of a bundle, or a file of weights.

    Raises:
        FileNotFoundError: there is no such folder or file.
    """
    path = Path(place)
    if path.is_dir():
        yield read_folder(path)
    elif not path.is_file():
        raise FileNotFoundError(
            f"{place}: there is no such bundle; give a folder, a zip or a file of weights"
        )
    elif path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            yield read_zip(archive)
    else:
        yield _beside(path)


def read_configs(entries: Mapping[str, Entry]) -> Iterator[tuple[str, Any]]:
    """Configurations of a bundle as plain data; a :class:`NotPlain` in place of one that cannot be read."""
    for name, entry in entries.items():
        if PurePosixPath(name).suffix.lower() in _CONFIGS and not _is_own_source(name, entry):
            try:
                if entry.size > MOST_BYTES:
                    raise NotPlain(f"it has more than {MOST_BYTES} bytes")
                yield name, read_plain(entry.read(MOST_BYTES), name)
            except NotPlain as fault:
                yield name, fault
            except (OSError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as fault:
                yield name, NotPlain(f"it cannot be read ({fault})")


def _beside(weights: Path) -> Source:
    """Weights with the files of their settings."""
    files = [weights, weights.with_suffix(".json"), weights.with_suffix(".decoding.json")]
    source = Source()
    for file in dict.fromkeys(files):
        if file.is_file():
            size = file.stat().st_size
            source.entries[file.name] = Entry(file.name, size, lambda file=file: file.open("rb"))  # type: ignore[misc]
    return source


def _audit(place: str, source: Source, policy: Policy) -> Audit:
    configs = dict(read_configs(source.entries))
    findings = [*source.findings, *_imports(configs)]
    imports = dict(pair for content in configs.values() for pair in _imported(content))
    for name, entry in source.entries.items():
        findings += _guarded(
            name,
            _config(name, configs[name], source, policy, imports)
            if name in configs
            else _file(name, entry, policy),
        )
    findings += _guarded("MANIFEST.sha256", _manifest(source))
    return ordered(place, findings, len(source.entries))


def _guarded(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """Findings of a file; whatever makes the audit of it fail is a reason to refuse it."""
    try:
        yield from findings
    except Exception as error:  # noqa: BLE001
        yield Finding(Severity.REFUSED, name, "", f"{type(error).__name__}: {error}", "it cannot be judged")


def _imported(content: Any) -> list[tuple[str, str]]:
    try:
        return [] if isinstance(content, NotPlain) else list(imports_of(content))
    except ValueError:  # told when the file is judged
        return []


def _imports(configs: Mapping[str, Any]) -> Iterator[Finding]:
    """Find names with two meanings, as the files are laid over each other."""
    imports: dict[str, str] = {}
    for name, content in configs.items():
        for own, path in _imported(content):
            if imports.setdefault(own, path) != path:
                why = f"it is {imports[own]} elsewhere in the bundle"
                yield Finding(Severity.REFUSED, name, "imports", f"{own} = {path}", why)


def _config(
    name: str, content: Any, source: Source, policy: Policy, imports: Mapping[str, str]
) -> Iterator[Finding]:
    if isinstance(content, NotPlain):
        yield Finding(Severity.REFUSED, name, "", "not plain data", str(content))
        return
    for place, fault in judge_config(content, policy, imports, source.entries):
        yield Finding(Severity.REFUSED, name, place, *fault)
    if PurePosixPath(name).stem == "large_files":
        for severity, fault in judge_large_files(content, source.entries, packed=source.packed):
            yield Finding(severity, name, "", *fault)


def _manifest(source: Source) -> Iterator[Finding]:
    for name, severity, fault in judge_manifest(source.entries, packed=source.packed):
        yield Finding(severity, name, "", *fault)


def _file(name: str, entry: Entry, policy: Policy) -> Iterator[Finding]:
    if PurePosixPath(name).suffix.lower() in _LOGGING:
        text = entry.read(MOST_BYTES).decode("utf-8", "replace")
        yield from (Finding(Severity.REFUSED, name, place, *fault) for place, fault in judge_logging(text))
    elif not _is_own_source(name, entry):
        yield from (Finding(severity, name, "", *fault) for severity, fault in judge_binary(entry, policy))
        if PurePosixPath(name).parts[0] not in _EXPECTED:
            yield Finding(Severity.NOTE, name, "", name, "nothing names this file")


def _is_own_source(name: str, entry: Entry) -> bool:
    """Whether a file is the same as one of the installed package, as in a zip with the package."""
    parts = PurePosixPath(name).parts
    own = _PACKAGE.joinpath(*parts[1:])
    if parts[0] != _PACKAGE.name or not own.is_file() or own.stat().st_size != entry.size:
        return False
    return entry.read(entry.size) == own.read_bytes()
