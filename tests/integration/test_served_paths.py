"""No name in a request leads out of the folder of images, nor into another file of the server."""

import http.client
import io
import json
import tarfile
from pathlib import Path
from urllib.parse import quote

import pytest
import torch

from tests.integration.served import Server, write_dots

pytestmark = pytest.mark.label


@pytest.fixture
def dots(tmp_path: Path) -> Path:
    """An image outside the folder that the server shows."""
    return write_dots(tmp_path / "dots.tif", 3, 8, 8)


def tree(folder: Path) -> dict[str, bytes]:
    """Files below a folder with their content, but for what the server writes by itself."""
    written = ("datastore_v2.json", ".lock", "app.log", "server.log")
    files = [file for file in folder.rglob("*") if file.is_file() and file.name not in written]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.mark.parametrize(
    ("path", "field", "name"),
    [
        ("/datastore/?image=../evil", "file", "dots.tif"),
        ("/datastore/image?image=..%2F..%2Fevil", "file", "dots.tif"),
        ("/datastore/?image={outside}/evil", "file", "dots.tif"),
        ("/datastore/?image=labels/final/nuclei_000", "file", "dots.tif"),
        ("/datastore/?image=..", "file", "dots"),
        ("/datastore/", "file", ".."),
        ("/datastore/?image=datastore_v2", "file", "dots.json"),
        ("/datastore/?image=page", "file", "dots.html"),
        ("/datastore/label?image=nuclei_000&tag=../../../evil", "label", "dots.tif"),
        ("/datastore/label?image=nuclei_000&tag={outside}", "label", "dots.tif"),
        ("/datastore/label?image=nuclei_000&tag=..", "label", "dots.tif"),
        ("/datastore/label?image=nuclei_000&tag=final", "label", "dots.json"),
    ],
)
def test_nothing_is_stored_outside(path: str, field: str, name: str, server: Server, dots: Path) -> None:
    outside = dots.parent / "outside"
    outside.mkdir()
    folders = (server.images.parent, outside)
    before = [tree(folder) for folder in folders]
    answer = server.ask("PUT", path.format(outside=outside), files={field: (name, dots.read_bytes())})
    assert 400 <= answer.status_code < 500, answer.text
    assert isinstance(answer.json()["detail"], str)
    assert [tree(folder) for folder in folders] == before


def ask_as_written(server: Server, verb: str, path: str) -> tuple[int, str]:
    """Send an address as it stands: most clients resolve its dots by themselves."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    connection.request(verb, path, headers={"Content-Length": "0"})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    return answer.status, content


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("DELETE", "/datastore/?id={dots}"),
        ("DELETE", "/datastore/image?id=../dots"),
        ("DELETE", "/datastore/label?id=nuclei_000&tag=../.."),
        ("GET", "/datastore/image?image={dots}"),
        ("GET", "/datastore/image?image=../../etc/passwd"),
        ("GET", "/datastore/image/info?image=..%5Cdots"),
        ("GET", "/datastore/label?label=../dots&tag=final"),
        ("GET", "/datastore/label?label=nuclei_000&tag=/etc"),
        ("GET", "/datastore/label/info?label=nuclei_000&tag=."),
        ("POST", "/infer/pixels?image={dots}"),
        ("POST", "/infer/pixels?image=/etc/passwd"),
        ("POST", "/infer/pixels?image=nuclei_000&image={dots}"),
        ("POST", "/infer/pixels?session_id=../../x"),
        ("POST", "/infer/%2E%2E?image=nuclei_000"),
        ("POST", "/batch/infer/%2E%2E"),
        ("POST", "/train/%2E%2E"),
        ("GET", "/session/%2E%2E"),
        ("DELETE", "/session/%2E%2E"),
        ("GET", "/model/%2E%2E"),
        ("GET", "/model/info/%2E%2E"),
        ("DELETE", "/model/%2E%2E"),
    ],
)
def test_a_name_is_no_path(verb: str, path: str, server: Server, dots: Path) -> None:
    status, content = ask_as_written(server, verb, path.format(dots=quote(str(dots), safe="/")))
    assert status == 422
    assert "must be a name, not a path" in content
    assert dots.is_file()


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("GET", "/ohif/%2Fetc%2Fpasswd"),
        ("GET", "/static/ohif/index.html"),
        ("GET", "/proxy/dicom/wado/x"),
        ("POST", "/infer/wsi_v2/pixels?image=nuclei_000"),
        ("POST", "/reload"),
    ],
)
def test_what_no_bundle_needs_is_left_out(verb: str, path: str, server: Server) -> None:
    assert ask_as_written(server, verb, path) == (404, '{"detail":"Not Found"}')


@pytest.mark.parametrize(
    ("route", "params"),
    [
        ("/infer/pixels?image=nuclei_000", {"save_label": True, "label_tag": "../../../evil"}),
        ("/infer/pixels?image=nuclei_000", {"result_extension": "/../../evil.tif"}),
        ("/infer/pixels?image=nuclei_000", {"model_filename": "{weights}"}),
        ("/batch/infer/pixels", {"label_tag": "../../../evil"}),
        ("/train/pixels", {"model_filename": "{weights}"}),
    ],
)
def test_no_parameter_is_a_path(
    route: str, params: dict[str, object], server: Server, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.pt"
    torch.save({}, weights)
    text = json.dumps(params).replace("{weights}", str(weights))
    sent = {"data": {"params": text}} if route.startswith("/infer") else {"json": json.loads(text)}
    answer = server.ask("POST", route, **sent)
    assert answer.status_code == 422
    assert list(params)[-1] in answer.json()["detail"]
    assert not list(server.images.parent.rglob("evil*"))


@pytest.mark.parametrize(
    ("suffix", "header"),
    [
        (".mhd", "ElementDataFile = {file}\n"),
        (".mha", "ElementDataFile : {file}\n"),
        (".nhdr", "data file: {file}\n"),
        (".nrrd", "datafile:{file}\n"),
    ],
)
def test_a_header_names_no_other_file(suffix: str, header: str, server: Server, tmp_path: Path) -> None:
    pixels = tmp_path / "private.raw"
    pixels.write_bytes(bytes(range(64)))
    meta = "NDims = 2\nDimSize = 8 8\nElementType = MET_UCHAR\n"
    nrrd = "NRRD0004\ntype: uint8\ndimension: 2\nsizes: 8 8\nencoding: raw\n"
    file = tmp_path / f"image{suffix}"
    file.write_text((meta if suffix.startswith(".m") else nrrd) + header.format(file=pixels))
    answer = server.infer("pixels", file=file)
    assert answer.status_code == 422
    assert "pixels are in another file" in answer.json()["detail"]


def test_an_archive_is_not_unpacked(server: Server, tmp_path: Path) -> None:
    evil = tmp_path / "evil.tif"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        member = tarfile.TarInfo(f"../../../../../../..{evil}")
        archive.addfile(member, io.BytesIO())
    sent = {"files": ("images.tar", content.getvalue())}
    answer = server.ask("PUT", "/session/?uncompress=true", files=sent)
    assert answer.status_code == 422
    assert not evil.exists()


def test_an_image_of_a_session_is_segmented(server: Server, dots: Path) -> None:
    """3D Slicer sends the whole path of the file, and a name that the server does not know."""
    sent = {"files": (str(dots), dots.read_bytes())}
    session = server.ask("PUT", "/session/", files=sent).json()["session_id"]
    answer = server.ask("POST", f"/infer/pixels?image=mine&session_id={session}&output=json")
    assert answer.status_code == 200, answer.text
    assert server.ask("DELETE", f"/session/{session}").status_code == 200
    answer = server.ask("POST", f"/infer/pixels?image=mine&session_id={session}&output=json")
    assert answer.status_code == 404


def test_an_image_is_no_file_where_the_server_was_started(server: Server, dots: Path) -> None:
    """The server is started by these tests, and so in the folder of the repository."""
    upload = {"file": ("dots.tif", dots.read_bytes())}
    assert server.ask("PUT", "/datastore/image?image=pyproject.toml", files=upload).status_code == 200
    assert Path("pyproject.toml").is_file()
    assert server.labels("pixels", "pyproject.toml", min_size=0).max() == 3
    assert server.ask("DELETE", "/datastore/?id=pyproject.toml").status_code == 200
