"""A page of another server, or one that goes by another name, is refused; programs are not."""

import subprocess
from pathlib import Path

import pytest

from tests.integration.served import LABEL, Server, free_port, narrowed, serving, write_dots

pytestmark = pytest.mark.label


@pytest.mark.parametrize("verb", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize(
    "origin", ["https://foreign.example", "null", "http://127.0.0.1:1", "http://127.0.0.1.foreign.example"]
)
def test_a_page_of_another_server_is_refused(verb: str, origin: str, server: Server) -> None:
    answer = server.ask(verb, "/train/" if verb == "DELETE" else "/info/", headers={"Origin": origin})
    assert answer.status_code == 403
    assert origin in answer.json()["detail"]
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["foreign.example", "foreign.example:{port}", "127.0.0.1.foreign.example", "[::1", ""]
)
def test_another_name_of_the_server_is_refused(host: str, server: Server) -> None:
    port = server.url.rpartition(":")[2]
    answer = server.ask("GET", "/info/", headers={"Host": host.format(port=port)})
    assert answer.status_code == 403
    assert "--allow-host" in answer.json()["detail"]


def test_a_page_under_its_own_name_is_refused(server: Server) -> None:
    """Of DNS rebinding: the page and the server are one to the browser."""
    headers = {"Host": "foreign.example", "Origin": "http://foreign.example"}
    assert server.ask("POST", "/activelearning/first", headers=headers).status_code == 403


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_pages_of_the_server_and_programs_are_served(name: str, server: Server) -> None:
    host = f"{name}:{server.url.rpartition(':')[2]}"
    for headers in ({"Host": host, "Origin": f"http://{host}"}, {"Host": host}):
        answer = server.ask("GET", "/info/", headers=headers)
        assert answer.status_code == 200
        assert not [header for header in answer.headers if header.lower().startswith("access-control")]


def test_the_page_of_the_routes_is_served(server: Server) -> None:
    assert server.ask("GET", "/").status_code == 200
    routes = server.ask("GET", "/openapi.json").json()["paths"]
    assert "/infer/{model}" in routes
    assert not [route for route in routes if "wsi" in route or "proxy" in route or "reload" in route]


def test_other_machines_are_let_in_by_name_only(label_python: str, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    write_dots(images / "dots.tif", 3, 8, 8)
    asked = [label_python, str(LABEL / "serve.py"), str(images), "--host", "0.0.0.0"]
    done = subprocess.run([*asked, "--port", str(free_port())], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "--allow-host" in done.stderr
    narrowed("skip_unet", tmp_path / "app/model")
    more = ["--host", "0.0.0.0", "--allow-host", "lab-server", "10.1.2.3"]
    app, log = tmp_path / "app", tmp_path / "log"
    with serving(label_python, app, images, ["skip_unet"], log, options=more) as server:
        for host, status in {"lab-server:80": 200, "10.1.2.3": 200, "other-server": 403}.items():
            assert server.ask("GET", "/info/", headers={"Host": host}).status_code == status
