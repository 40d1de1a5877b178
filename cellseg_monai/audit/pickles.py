"""Pickles, read instruction by instruction; nothing is unpickled."""

import pickletools
from collections.abc import Iterator
from io import BytesIO

from cellseg_monai.audit.expressions import Fault
from cellseg_monai.audit.policy import Policy

LONGEST = 256 * 1024**2

_TEXT = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")
_KEEPS = ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "FRAME", "PROTO")
_OLD_PICKLES = 5  # files of torch.save before version 1.6 begin with so many
_NEVER = ("EXT1", "EXT2", "EXT4", "OBJ")


def judge_pickle(content: bytes, policy: Policy) -> Iterator[Fault]:
    """Judge a stream of pickles: each global that it names must be on the list.

    A pickle runs until it fails, so one that is cut off or damaged is refused as well.

    Example:
        >>> import pickle
        >>> from cellseg_monai.audit.policy import allowed
        >>> [fault.what for fault in judge_pickle(pickle.dumps(print), allowed())]
        ['builtins.print']
        >>> list(judge_pickle(pickle.dumps({"weight": [1.0, 2.0]}), allowed()))
        []
    """
    stream = BytesIO(content)
    try:
        for count in range(_OLD_PICKLES):  # what follows them are the bytes of the tensors
            if stream.tell() >= len(content) and count:
                return
            yield from _one(stream, policy)
    except Exception as error:  # noqa: BLE001  whatever a damaged pickle raises
        yield Fault(f"{type(error).__name__}: {error}", "the pickle is damaged, and cannot be judged")


def _one(stream: BytesIO, policy: Policy) -> Iterator[Fault]:
    texts: list[str] = []
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in ("GLOBAL", "INST"):
            yield from _named(str(argument).replace(" ", "."), policy)
        elif opcode.name == "STACK_GLOBAL":
            if len(texts) < 2:
                yield Fault("STACK_GLOBAL", "the name of a function is computed, and cannot be judged")
            else:
                yield from _named(".".join(texts[-2:]), policy)
        elif opcode.name in _NEVER:
            yield Fault(opcode.name, "this instruction cannot be judged")
        if opcode.name in _TEXT:
            texts.append(str(argument))
        elif opcode.name not in _KEEPS:
            texts.clear()


def _named(name: str, policy: Policy) -> Iterator[Fault]:
    if name not in policy.pickles:
        yield Fault(name, "a pickle that calls this; only tensors are allowed")
