"""Start MONAI Label's stock app ``monaibundle`` with the bundles of this repository, offline.

    python label/serve.py FOLDER_OF_IMAGES --models patch_attention_unet skip_unet

The bundles are copied into an app folder, where trainings on the server save their weights. The bundles of
the repository do not change. Bundles that are already in the app folder keep their weights.
"""

import argparse
import json
import logging
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from guarded.callers import LOOPBACK, VARIABLE
from monai.bundle import ConfigParser

from cellseg_monai.runtime.trust import Untrusted, require_trust

logger = logging.getLogger("label")

HERE = Path(__file__).resolve().parent
BUNDLES = HERE.parent / "bundles"
APP = HERE / "app/main.py"
EXTENSIONS = ("tif", "tiff", "png", "jpg", "jpeg", "bmp", "nii", "nii.gz", "nrrd", "mha", "mhd")


def make_app(app: Path, names: Sequence[str], bundles: Path = BUNDLES, trust: bool = False) -> None:
    """Copy the app and the missing bundles; a bundle without weights gets random ones.

    Each bundle is audited before anything of it is used.

    MONAI Label skips a bundle without weights, but the first training needs initial weights.
    """
    app.mkdir(parents=True, exist_ok=True)
    shutil.copy(APP, app)
    for name in names:
        bundle = app / "model" / name
        if not bundle.is_dir():
            if not (bundles / name / "configs/inference.json").is_file():
                raise SystemExit(
                    f"{bundles / name}: there is no such bundle; choose one of {', '.join(known(bundles))}"
                )
            _require_trust(bundles / name, trust)
            shutil.copytree(bundles / name, bundle)
        _require_trust(bundle, trust)
        weights = bundle / "models/model.pt"
        if not weights.is_file():
            logger.warning("%s has no weights yet: its labels mean nothing until it is trained", name)
            weights.parent.mkdir(exist_ok=True)
            torch.save(untrained(bundle).state_dict(), weights)


def _require_trust(bundle: Path, trust: bool) -> None:
    try:
        require_trust(bundle, trust)
    except Untrusted as refusal:
        raise SystemExit(str(refusal)) from refusal


def untrained(bundle: Path) -> torch.nn.Module:
    """Network of a bundle, always with the same random weights."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs/inference.json"))
    torch.manual_seed(0)
    network: torch.nn.Module = parser.get_parsed_content("network_def")
    return network


def known(bundles: Path = BUNDLES) -> list[str]:
    """Names of the bundles in a folder."""
    return sorted(file.parents[1].name for file in bundles.glob("*/configs/inference.json"))


def command(app: Path, images: Path, names: Sequence[str], host: str, port: int) -> list[str]:
    """Command that starts the server."""
    settings = {
        "models": ",".join(names),
        "zoo_source": "local",  # by default MONAI Label looks local bundles up on the internet
        "sam2": "false",  # MONAI Label would download its weights
        "epistemic_model": ",".join(names),
        "epistemic_simulation_size": "5",
        "epistemic_dropout": "0.2",
    }
    options = [word for key, value in settings.items() for word in ("--conf", key, value)]
    where = ["--app", str(app), "--studies", str(images), "--host", host, "--port", str(port)]
    # The script `monailabel` breaks paths with spaces; the module does not.
    start = [sys.executable, "-m", "monailabel.main", "start_server"]
    return [*start, *where, "--uvicorn_app", "guarded.application:app", *options]


def environment(app: Path, hosts: Sequence[str]) -> dict[str, str]:
    """Environment variables: image formats, folder of sessions, names of the server, and import path."""
    given = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    search_path = os.pathsep.join([str(HERE), *(str(Path(folder).resolve()) for folder in given)])
    patterns = json.dumps([f"*.{extension}" for extension in EXTENSIONS])
    ours = {
        # All methods would score with every request, and each would overwrite the scores of the others.
        "MONAI_LABEL_AUTO_UPDATE_SCORING": "false",
        "MONAI_LABEL_DATASTORE_FILE_EXT": patterns,
        "MONAI_LABEL_SESSION_PATH": str(app / "sessions"),
    }
    return {**ours, **os.environ, "PYTHONPATH": search_path, VARIABLE: ",".join(hosts)}


def check_hosts(host: str, hosts: Sequence[str]) -> None:
    """Raise if other machines can connect, but no names are given by which they reach this one."""
    if host not in LOOPBACK and not hosts:
        raise SystemExit(
            f"--host {host} lets other machines connect without a password; list the names by which they "
            "reach this one, such as --allow-host lab-server 192.168.1.20"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the app, and replace this process by the server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", type=Path, help="folder of images; labels go to its subfolder labels")
    parser.add_argument(
        "--app", type=Path, default=Path("label_app"), help="folder of the app (default label_app)"
    )
    parser.add_argument("--bundles", type=Path, default=BUNDLES, help="folder of bundles")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="bundles (default all)")
    parser.add_argument(
        "--host", default=LOOPBACK[0], help="0.0.0.0 lets other machines connect; there is no password"
    )
    parser.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="names and addresses by which other machines reach this one",
    )
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--trust", action="store_true", help="use bundles without an audit: their authors can run code"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if not options.images.is_dir():
        raise SystemExit(f"{options.images}: there is no such folder; name one with images")
    check_hosts(options.host, options.allow_host)
    names = options.models or known(options.bundles)
    make_app(options.app, names, options.bundles, options.trust)
    app = options.app.resolve()
    words = command(app, options.images.resolve(), names, options.host, options.port)
    nowhere = app / "empty"  # MONAI Label uses the name of an image as a path if such a file exists
    nowhere.mkdir(exist_ok=True)
    os.chdir(nowhere)
    sys.stdout.flush()
    os.execve(words[0], words, environment(app, options.allow_host))


if __name__ == "__main__":
    main()
