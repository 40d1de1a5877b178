"""Checks that names in a request are names, so that none of them leads out of the folder of images.

MONAI Label joins the names of images, labels, tags, models and sessions to paths without a check, and uses
the name of an image as a path if such a file exists.
"""

import re
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from fastapi import HTTPException, Request
from monailabel.config import settings
from monailabel.interfaces.utils.app import app_instance
from starlette.datastructures import UploadFile

NOT_FOUND, UNPROCESSABLE = 404, 422

ELSEWHERE = {
    (".nrrd", ".nhdr"): re.compile(rb"^[ \t]*data ?file[ \t]*:", re.IGNORECASE | re.MULTILINE),
    (".mha", ".mhd"): re.compile(
        rb"^[ \t]*ElementDataFile[ \t]*[=:](?![ \t]*LOCAL[ \t\r]*$)", re.IGNORECASE | re.MULTILINE
    ),
}
"""Patterns in the header of an image whose pixels are in another file, by suffix."""


def is_plain(name: str) -> bool:
    """Whether a text can be joined to a folder without leading out of it."""
    return name.isprintable() and name not in (".", "..") and not set(name) & set("/\\")


async def plain_names(request: Request) -> None:
    """Reject a path where a name is expected: in the address, or as the name of an uploaded file."""
    for place, name in [*request.path_params.items(), *request.query_params.multi_items()]:
        if not is_plain(name):
            raise HTTPException(UNPROCESSABLE, f"{place} must be a name, not a path: {name!r}")
    for upload in await uploads(request):
        name = upload.filename or ""
        if not is_plain(name.rpartition("/")[2]):  # 3D Slicer sends a path; the last part is used
            raise HTTPException(UNPROCESSABLE, f"{name!r} cannot be the name of a file")


async def whole_images(request: Request) -> None:
    """Reject an image whose header names another file, because that would be a file of this machine."""
    for upload in await uploads(request):
        name = (upload.filename or "").lower()
        for suffixes, elsewhere in ELSEWHERE.items():
            if name.endswith(suffixes):
                content = await upload.read()
                await upload.seek(0)
                if elsewhere.search(content):
                    raise HTTPException(
                        UNPROCESSABLE,
                        f"{upload.filename}: its pixels are in another file; send one file that has both",
                    )


async def storable_formats(request: Request) -> None:
    """Reject a file that is not an image: a stored web page would count as one of the server's own pages."""
    patterns = settings.MONAI_LABEL_DATASTORE_FILE_EXT
    for upload in await uploads(request):
        name = PurePosixPath(upload.filename or "").name
        if not any(fnmatchcase(name, pattern) for pattern in patterns):
            known = ", ".join(pattern.lstrip("*") for pattern in patterns)
            raise HTTPException(UNPROCESSABLE, f"{name!r}: an image or a label must be one of {known}")


async def known_image(request: Request) -> None:
    """Reject an image that the server does not have, unless the request brings its own."""
    image = request.query_params.get("image")
    if not image or app_instance().datastore().get_image_uri(image):
        return
    session = request.query_params.get("session_id")
    if session and app_instance().sessions().get_session(session, update_ts=False):
        return
    if not any(field == "file" for field, _ in await fields_of_uploads(request)):
        raise HTTPException(NOT_FOUND, f"there is no image {image!r} in the folder of images")


async def no_archives(request: Request) -> None:
    """Reject archives, because their members may have paths."""
    if request.query_params.get("uncompress", "false").lower() not in ("false", "0", "off", "no", "f", "n"):
        raise HTTPException(UNPROCESSABLE, "archives are not unpacked; send the image itself")


async def uploads(request: Request) -> list[UploadFile]:
    """Files in a request."""
    return [upload for _, upload in await fields_of_uploads(request)]


async def fields_of_uploads(request: Request) -> list[tuple[str, UploadFile]]:
    """Files in a request, with the names of their fields."""
    form = (await request.form()).multi_items()
    return [(field, value) for field, value in form if isinstance(value, UploadFile)]
