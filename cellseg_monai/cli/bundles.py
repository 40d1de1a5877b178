"""``cellseg bundle …``: render, check, audit, pack and describe bundles; ``cellseg models``: list them."""

from pathlib import Path
from typing import Any

from cellseg_monai.cli.options import SETTINGS, TRUST, WEIGHTS, Pairs, bundle_folder, setting
from cellseg_monai.cli.results import Outcome, plain
from cellseg_monai.cli.verbs import Argument, Group, Verb, argument, call


def _named(text: str) -> tuple[str, str]:
    """Split ``name=folder``; a folder alone is its own name."""
    name, equals, folder = text.partition("=")
    return (name, folder) if equals else (Path(text).resolve().name, text)


def _models(folder: Path | None = None, images: str | None = None) -> Any:
    from cellseg_monai.bundling import list_models, models_table

    if images is not None:
        from cellseg_monai.planning import rank_models

        ranked = rank_models(images)
        return Outcome(str(ranked), {**plain(ranked), "command": ranked.command if ranked.fits else None})
    if folder is not None:
        return Outcome(str(folder.resolve()), {"folder": folder.resolve()})
    models = list_models()
    return Outcome(models_table(models), models)


def _audit(place: Path, policy: str | None = None) -> Any:
    from cellseg_monai.audit import read_policy
    from cellseg_monai.bundling import audit_bundle

    return audit_bundle(place, None if policy is None else read_policy(policy))


def _bundle(help: str = "folder or name of a bundle", dest: str = "bundle") -> Argument:
    return argument(dest, type=bundle_folder, metavar="bundle", help=help)


BUNDLE = Group("bundle", "render, check, audit, sign, pack and describe bundles", [
    Verb("render", "write configs/ and docs/README.md from their sources", call("bundling.render_bundles"), [
        argument("folder", metavar="bundles", help="folder of bundles beside _base, or one bundle"),
    ]),
    Verb("check", "find what MONAI would reject; exit code 1 on errors", call("bundling.check_bundles"), [
        _bundle("folder of bundles beside _base, one bundle, or the name of one", "folder"),
        TRUST,
    ], json=True),
    Verb("audit", "judge a bundle without running it; exit code 1 if it is refused", _audit, [
        _bundle("folder or zip of a bundle, its name, or a file of weights", "place"),
        argument("--policy", metavar="FILE", help="YAML or JSON with names to allow"),
    ], json=True),
    Verb("pack", "write a reproducible zip with a manifest of hashes", call("bundling.pack_bundle"), [
        _bundle(),
        argument("--out", dest="destination", default="dist", metavar="DIR", help="folder (default dist)"),
        argument("--vendor", action="store_true", help="include cellseg_monai, for servers without pip"),
        argument("--sign", dest="sign_with", metavar="KEY", help="sign with this private Ed25519 key"),
    ]),
    Verb("verify", "check who signed a bundle; exit code 1 if no one known", call("bundling.verify_bundle"), [
        _bundle("folder or zip of a bundle", "place"),
        argument(
            "--key", dest="keys", nargs="+", metavar="PUB",
            help="public keys (default: those of the policy)",
        ),
    ], json=True),
    Verb("bioimage", "write a package for Fiji, ilastik and QuPath", call("bundling.pack_bioimage"), [
        _bundle("folder or name of a bundle with weights"),
        argument("--out", dest="file", required=True, metavar="FILE", help="zip to write"),
        argument("--image", metavar="FILE", help="image for test and cover (default: a synthetic one)"),
        argument("--onnx", action="store_true", help="include the network as ONNX"),
        argument("--licence", metavar="SPDX", help="licence, such as CC-BY-4.0 (default: that of LICENSE)"),
        WEIGHTS,
        SETTINGS,
    ]),
    Verb("card", "write the model card of a bundle from evaluations", call("bundling.write_card"), [
        _bundle("bundle with weights, beside _base"),
        argument(
            "--results", dest="evaluations", action=Pairs, type=_named, nargs="+", required=True,
            metavar="[NAME=]FOLDER",
            help="folder of cellseg evaluate --bundle, and name of its test set (default: the folder)",
        ),
        argument("--robustness", metavar="FOLDER", help="folder of cellseg study robustness"),
        argument(
            "--training", action=Pairs, type=setting, nargs="+", metavar="KEY=VALUE",
            help="facts that are not recorded: command, seed, images, seconds, hardware, watts",
        ),
        argument("--pictures", action="store_true", help="draw the worst images, if they may be published"),
        argument("--url", help="address of the published weights, for large_files.yml"),
    ]),
])  # fmt: skip
MODELS = Verb("models", "list the bundles of the package with scores, size and licence", _models, [
    argument("--folder", type=bundle_folder, metavar="NAME", help="only print the folder of this bundle"),
    argument("--for", dest="images", metavar="IMAGES", help="rank them on images, with or without labels"),
], json=True)  # fmt: skip
