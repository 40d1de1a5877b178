"""Segment many images; one that fails is reported, one that is done already is kept, the others are made."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from cellseg_monai.inference.one_image import (
    STAGES,
    OneImage,
    Outcome,
    Perform,
    Segmented,
    digest_if_readable,
    in_turn,
    stamp_of,
)
from cellseg_monai.inference.progress_bar import with_progress
from cellseg_monai.outputs import Claim, Run, claim_outputs, require_apart
from cellseg_monai.outputs.counting import counted
from cellseg_monai.outputs.counts import COUNTS, SEGMENTATION, Counts
from cellseg_monai.outputs.failures import FAILURES, Failures, add_row
from cellseg_monai.outputs.manifest import Done, Manifest
from cellseg_monai.outputs.origin import Origin
from cellseg_monai.outputs.whole import remove_parts

logger = logging.getLogger(__name__)

WORK = "predict"
TIMING = "timing.csv"


def report_each(
    images: Sequence[OneImage],
    output_dir: Path,
    settings: str = "",
    perform: Perform = in_turn,
    *,
    progress: bool = False,
    noun: str = "cell",
    origin: Origin | None = None,
) -> None:
    """Segment each image, and write three tables line by line, so that an interrupted run has them too.

    ``failures.csv`` lists the images that could not be read, segmented or written, with the reason.
    ``timing.csv`` lists the time of each stage for all other images, ``counts.csv`` their number of cells.
    Warnings name the images without any, and those of which the network is unsure.

    A manifest in the folder has the state of each image. If a run is killed and started again, the images
    that are done are kept, as long as the image, its result and the settings are the same.

    Args:
        images: images to segment; their results are in the output folder.
        output_dir: folder of the tables, created if necessary.
        settings: hash of everything besides the image that a result depends on; if empty, nothing is kept.
        perform: way to work through the images.
        progress: show a bar on a terminal if it takes long; elsewhere, log a line every minute.
        noun: what is counted.
        origin: bundle and weights, for ``run.json``.

    Raises:
        RuntimeError: at the end, if an image failed.
        FileExistsError, ValueError: before the first image, if a result would replace a file that is not the
            result of an earlier run, or would be outside the output folder or among the images.
        OutputError: a result cannot be written because the disk is full or read-only; the run stops.

    Example:
        >>> import tempfile
        >>> report_each([OneImage("a.tif", [], lambda: 1 / 0)], Path(tempfile.mkdtemp()))
        Traceback (most recent call last):
        ...
        RuntimeError: 1 of 1 images failed; see /.../failures.csv for the reasons
    """
    tables = _Tables(output_dir, noun)
    inputs = [file for image in images for file in image.files]
    require_apart(output_dir, inputs, below=True)
    with claim_outputs(output_dir, WORK, [FAILURES, TIMING, COUNTS], inputs) as claim:
        targets = {
            image.name: [path.relative_to(output_dir).as_posix() for path in image.results]
            for image in images
        }
        sources = {name: image.files[0] for image in images for name in targets[image.name]}
        claim.add(sources, sources, begin=False)
        run = claim.record(Run(WORK), hashed=False)
        if origin is not None:
            run.note(origin=origin.in_metadata())
            for part, files in origin.files.items():
                run.files(part, files)
        tables.start()
        with Manifest(output_dir, WORK) as manifest:
            stamps = {image.name: stamp_of(image.source) for image in images}
            earlier = manifest.done(settings) if settings else {}
            kept = _kept(images, targets, stamps, earlier, claim)
            weights = None if origin is None else origin.facts.get("weights_sha256")
            manifest.ask(stamps, settings, keep=kept, weights=weights)
            for image in images:
                if (done := kept.get(image.name)) is not None:
                    claim.keep(targets[image.name])
                    _note_inputs(run, image, done.inputs)
                    tables.add(image.name, Outcome(Segmented(**done.result)))

            def begin(image: OneImage) -> None:
                claim.begin(targets[image.name])
                manifest.start(image.name)

            todo = [image for image in images if image.name not in kept]
            with closing(perform(todo, begin)) as outcomes:
                for image, outcome in with_progress(
                    outcomes, len(todo), shown=progress, unit="image", size=lambda _: 1
                ):
                    if outcome.segmented is None:
                        manifest.fail(image.name, outcome.reason, outcome.worker)
                    else:
                        claim.finish(targets[image.name])
                        result = outcome.segmented._asdict()
                        manifest.finish(image.name, outcome.digests, result, outcome.worker)
                    _note_inputs(run, image, outcome.digests)
                    tables.add(image.name, outcome)
        remove_parts(output_dir / name for name in sources)  # of workers that died
        tables.finish({image.name: place for place, image in enumerate(images)})
        run.note(counts={"images": len(images), **({"kept": len(kept)} if kept else {}), **tables.totals})
        tables.report(len(images))


def _kept(
    images: Sequence[OneImage],
    targets: Mapping[str, Sequence[str]],
    stamps: Mapping[str, object],
    earlier: Mapping[str, Done],
    claim: Claim,
) -> dict[str, Done]:
    """Images whose results of an earlier run are still right."""

    def is_same(image: OneImage, done: Done) -> bool:
        return done.stamp == stamps[image.name] or done.inputs == list(map(digest_if_readable, image.files))

    kept = {
        image.name: done
        for image in images
        if (done := earlier.get(image.name)) is not None
        and targets[image.name]
        and claim.is_whole(targets[image.name])
        and is_same(image, done)
    }
    if kept:
        logger.info("%s of %s already done", f"{len(kept):,}", counted(len(images), "image"))
    return kept


def _note_inputs(run: Run, image: OneImage, digests: Sequence[str | None]) -> None:
    for file, digest in zip(image.files, digests, strict=False):
        if digest is not None:
            run.hashed("inputs", file, digest)


class _Tables:
    """The three tables of a run in their folder."""

    def __init__(self, folder: Path, noun: str) -> None:
        self._noun = noun
        self._failures = Failures(folder)
        self._timing = folder / TIMING
        self._seconds: dict[str, Mapping[str, float]] = {}
        self._counts = Counts(SEGMENTATION, folder, noun)
        self._folder = folder

    def start(self) -> None:
        self._failures.start()
        self._counts.start()
        add_row(self._timing, ["image", *STAGES], new=True)

    def add(self, name: str, outcome: Outcome) -> None:
        if outcome.segmented is None:
            self._failures.add(name, outcome.reason)
            return
        seconds, found, diameter, unsure = outcome.segmented
        self._seconds[name] = seconds
        self._add_seconds(name)
        if found is not None:
            self._counts.add(name, found, diameter, unsure)

    def _add_seconds(self, name: str) -> None:
        add_row(self._timing, [name, *(f"{self._seconds[name][stage]:.4f}" for stage in STAGES)])

    def finish(self, order: Mapping[str, int]) -> None:
        """Put the rows into the order of the images."""
        if list(self._seconds) == sorted(self._seconds, key=order.__getitem__) and not self._failures.rows:
            return
        self._failures.sort(order)
        self._counts.sort(order)
        add_row(self._timing, ["image", *STAGES], new=True)
        for name in sorted(self._seconds, key=order.__getitem__):
            self._add_seconds(name)

    @property
    def totals(self) -> dict[str, int]:
        rows = self._counts.rows
        cells = {f"{self._noun}s": sum(number for _, number in rows)} if rows else {}
        return {"failed": len(self._failures.rows), **cells}

    def report(self, total: int) -> None:
        """Warn of images without cells or that are doubtful, and raise if an image failed."""
        self._counts.warn()
        if failed := len(self._failures.rows):
            where = self._folder / FAILURES
            raise RuntimeError(f"{failed} of {total} images failed; see {where} for the reasons")
