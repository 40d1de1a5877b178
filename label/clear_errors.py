"""MONAI Label's own web application, whose errors say what is wrong.

By itself it answers every error of a request with 500 and "Internal Server Error", and the reason stands in
the server's log alone. ``monailabel start_server --uvicorn_app clear_errors:app`` takes this module instead;
the app and its tasks are the stock ones.
"""

import logging
import os
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from monailabel.app import app
from monailabel.interfaces.exception import (
    ImageNotFoundException,
    LabelNotFoundException,
    MONAILabelException,
)
from monailabel.interfaces.utils.app import app_instance

__all__ = ["app"]

logger = logging.getLogger(__name__)

NOT_FOUND, UNPROCESSABLE, BROKEN = 404, 422, 500


def status_of(error: BaseException, request: Request) -> tuple[int, str]:
    """Whose fault an error is, and what to say of it."""
    if isinstance(error, MONAILabelException):
        missing = isinstance(error, (ImageNotFoundException, LabelNotFoundException))
        return (NOT_FOUND if missing or "there is no" in error.msg.lower() else UNPROCESSABLE), error.msg
    image = request.query_params.get("image")
    if image and not _known(image):
        return NOT_FOUND, f"there is no image {image!r} in the folder of images"
    cause = _cause(error)
    message = f"{type(cause).__name__}: {' '.join(str(cause).split())}"
    if isinstance(cause, ImportError):
        return BROKEN, f"{message}; install what the bundle lists in required_packages_version"
    return (UNPROCESSABLE if isinstance(cause, (ValueError, TypeError, OSError)) else BROKEN), message


def _cause(error: BaseException) -> BaseException:
    """MONAI raises errors of its own from each that it meets; the one behind them names file and value."""
    while error.__cause__ is not None:
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        if frame is None or "monai" not in Path(frame.tb_frame.f_code.co_filename).parts:
            break
        error = error.__cause__
    return error


def _known(image: str) -> bool:
    return os.path.exists(image) or bool(app_instance().datastore().get_image_uri(image))


async def tell(request: Request, error: Exception) -> JSONResponse:
    """Answer with the reason."""
    status, detail = status_of(error, request)
    logger.warning("%s %s: %d %s", request.method, request.url.path, status, detail)
    return JSONResponse({"detail": detail}, status)


def add_to(application: FastAPI) -> None:
    """Have the application tell of every error that it does not handle by itself."""
    for kind in (MONAILabelException, ValueError, TypeError, LookupError, OSError, ImportError, RuntimeError):
        application.add_exception_handler(kind, tell)


add_to(app)
