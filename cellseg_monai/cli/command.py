"""The command ``cellseg``: each verb is one call.

Verbs import what they need when they run, so that ``cellseg --help`` answers at once.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from cellseg_monai.cli.analysis import add_measure, add_track
from cellseg_monai.cli.bundles import add_bundle_verbs, add_models
from cellseg_monai.cli.data import add_data_verbs
from cellseg_monai.cli.evaluation import add_evaluate, add_report
from cellseg_monai.cli.images import add_calibrate, add_convert, add_predict
from cellseg_monai.cli.studies import add_study_verbs
from cellseg_monai.outputs.causes import cause_of, origin_of

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; an error of the user's is one sentence, and the exit code is 1.

    Args:
        arguments: instead of those of the command line.

    Returns:
        0 if all went well, 1 otherwise.

    Example:
        >>> main(["data", "layouts"])
        bcss             ...
        0
    """
    options = vars(_parser().parse_args(arguments))
    verb = options.pop("verb")
    try:
        code = int(verb(**options))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("cellseg: interrupted; complete results stay, the same command goes on", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError, RuntimeError) as error:
        cause = cause_of(error)
        if isinstance(cause, RuntimeError) and "/cellseg_monai/" not in origin_of(cause):
            raise  # a bug, which needs its traceback
        print(f"cellseg: error: {cause}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cellseg", description="From a few annotated microscope images to a cell-segmentation bundle."
    )
    commands = parser.add_subparsers(title="commands", required=True)
    add_data_verbs(commands.add_parser("data", help="import, check and look at datasets"))
    add_predict(commands.add_parser("predict", help="segment images with a trained bundle"))
    add_convert(commands.add_parser("convert", help="label maps to QuPath, Fiji, napari, COCO and back"))
    add_calibrate(commands.add_parser("calibrate", help="choose threshold, seeds and smallest cell"))
    add_bundle_verbs(commands.add_parser("bundle", help="render, check, pack and describe bundles"))
    add_models(commands.add_parser("models", help="the bundles that come with it: scores, size, licence"))
    add_evaluate(commands.add_parser("evaluate", help="score predictions; exit code 1 if one is missing"))
    add_report(commands.add_parser("report", help="one HTML file about one run, or a comparison of several"))
    add_measure(commands.add_parser("measure", help="tables of what the cells of label maps measure"))
    add_track(commands.add_parser("track", help="follow the cells of a time-lapse through its label maps"))
    add_study_verbs(
        commands.add_parser("study", help="many trainings to one table: how good, with how many images")
    )
    return parser
