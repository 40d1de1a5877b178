"""Original causes of errors that MONAI wraps in its own."""

from pathlib import Path

MONAI = "/monai/"
"""Part of the paths of MONAI's code."""


def cause_of(error: BaseException) -> BaseException:
    """The error that was raised first, or the first one that other code than MONAI raised from it.

    MONAI raises "applying transform …" or "failed to instantiate …" from any error. Such errors are skipped;
    errors that other code raised from another are meant for the reader, and kept.

    Example:
        >>> from monai.transforms import Compose
        >>> try:
        ...     _ = Compose([lambda data: 1 / data])(0)
        ... except RuntimeError as error:
        ...     cause_of(error)
        ZeroDivisionError('division by zero')
    """
    while error.__cause__ is not None and MONAI in origin_of(error):
        error = error.__cause__
    return error


def origin_of(error: BaseException) -> str:
    """File of the line that raised an error, with forward slashes; empty if it was never raised.

    Example:
        >>> from monai.utils import look_up_option
        >>> try:
        ...     _ = look_up_option("diec", ["dice"])
        ... except ValueError as error:
        ...     origin_of(error).rpartition("/")[2]
        'module.py'
    """
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "" if frame is None else Path(frame.tb_frame.f_code.co_filename).as_posix()


def in_one_line(error: BaseException) -> str:
    r"""Kind and text of the error's cause.

    Example:
        >>> in_one_line(ValueError("two\nlines"))
        'ValueError: two lines'
    """
    cause = cause_of(error)
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"
