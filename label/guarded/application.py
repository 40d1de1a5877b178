"""MONAI Label's routes for bundles, with checks and clear error messages.

``monailabel start_server --uvicorn_app guarded.application:app`` uses this application instead of its own.
It has no routes for whole slides, OHIF, DICOM and log-in, because bundles do not need them. There is no CORS:
web pages of other servers cannot read the answers.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from monailabel.app import lifespan
from monailabel.endpoints import (
    activelearning,
    batch_infer,
    datastore,
    infer,
    info,
    logs,
    model,
    scoring,
    session,
    train,
)
from monailabel.interfaces.utils.app import app_instance

from cellseg_monai.outputs.former import keep_former
from guarded.callers import KnownCallers
from guarded.clear_errors import add_clear_errors
from guarded.former_weights import weights_of
from guarded.names import known_image, no_archives, plain_names, storable_formats, whole_images
from guarded.parameters import BATCH, CHOOSE, INFER, SCORE, TRAIN, sound_parameters

__all__ = ["app"]


def keep_before_upload(request: Request) -> None:
    """Keep the weights that an upload replaces."""
    bundle = app_instance().bundle_path(request.path_params.get("model"))
    if request.method == "PUT" and bundle:
        keep_former(weights_of(Path(bundle)))


ROUTES: list[tuple[APIRouter, list[Callable[[Request], Any]]]] = [
    (info.router, []),
    (logs.router, []),
    (infer.router, [known_image, sound_parameters(INFER)]),
    (batch_infer.router, [sound_parameters(BATCH)]),
    (train.router, [sound_parameters(TRAIN)]),
    (scoring.router, [sound_parameters(SCORE)]),
    (activelearning.router, [sound_parameters(CHOOSE)]),
    (datastore.router, [storable_formats]),
    (session.router, [no_archives]),
    (model.router, [keep_before_upload]),
]
"""Checks of each route, in addition to those of names and files."""

app = FastAPI(
    title="MONAI Label",
    docs_url="/",
    redoc_url=None,
    lifespan=lifespan,
    dependencies=[Depends(plain_names), Depends(whole_images)],
)
for router, checks in ROUTES:
    app.include_router(router, dependencies=[Depends(check) for check in checks])
add_clear_errors(app)
app.add_middleware(KnownCallers)
