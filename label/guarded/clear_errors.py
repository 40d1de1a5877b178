"""Error messages that give the reason.

MONAI Label itself answers every error with 500 and "Internal Server Error", and writes the reason only to the
log of the server.
"""

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from monailabel.interfaces.exception import (
    ImageNotFoundException,
    LabelNotFoundException,
    MONAILabelException,
)

from cellseg_monai.outputs.causes import cause_of, in_one_line

logger = logging.getLogger(__name__)

NOT_FOUND, UNPROCESSABLE, BROKEN = 404, 422, 500


def status_of(error: BaseException) -> tuple[int, str]:
    """HTTP status and message for an error."""
    if isinstance(error, MONAILabelException):
        missing = isinstance(error, (ImageNotFoundException, LabelNotFoundException))
        return (NOT_FOUND if missing or "there is no" in error.msg.lower() else UNPROCESSABLE), error.msg
    cause, message = cause_of(error), in_one_line(error)
    if isinstance(cause, ImportError):
        return BROKEN, f"{message}; install what the bundle lists in required_packages_version"
    return (UNPROCESSABLE if isinstance(cause, (ValueError, TypeError, OSError)) else BROKEN), message


async def tell(request: Request, error: Exception) -> JSONResponse:
    """Answer with the status and the reason."""
    status, detail = status_of(error)
    logger.warning("%s %s: %d %s", request.method, request.url.path, status, detail)
    return JSONResponse({"detail": detail}, status)


def add_clear_errors(application: FastAPI) -> None:
    """Make the application answer every error that it does not handle itself with the reason."""
    for kind in (MONAILabelException, ValueError, TypeError, LookupError, OSError, ImportError, RuntimeError):
        application.add_exception_handler(kind, tell)
