"""The studies, whole: datasets to tables and a report, by one call that goes on where it stopped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from cellseg_monai.data import labelled, list_items
from cellseg_monai.data.datalist import Item
from cellseg_monai.export.markdown import markdown
from cellseg_monai.outputs import locked, require_free
from cellseg_monai.runtime import find_bundle
from cellseg_monai.studies.changed_images import LOST, PLOT, robustness, robustness_plot, robustness_table
from cellseg_monai.studies.changes import Level
from cellseg_monai.studies.execution import folder_of, perform_all
from cellseg_monai.studies.finetuning import NEW, OLD, FineTuning, transfer_table
from cellseg_monai.studies.gathering import (
    BY_MODALITY,
    REPORT,
    RESULT_FILES,
    TABLE,
    gather,
    write_results,
    write_study,
)
from cellseg_monai.studies.held_out import cross_validation
from cellseg_monai.studies.image_counts import curve_of, learning_curve
from cellseg_monai.studies.pseudo_labels import PseudoLabels
from cellseg_monai.studies.run import Run, weights_of
from cellseg_monai.studies.strips import overlay_strip
from cellseg_monai.studies.variants import NETWORKS, comparison, gates, networks, skips

Dataset = str | PathLike[str]
STRIP = 4
"""Images in the picture of a fine-tuning."""


@dataclass(frozen=True)
class Study:
    """What all studies have in common.

    Attributes:
        out: folder for the runs, ``results.csv``, ``images.csv``, ``table.md`` and ``report.html``.
        options: values of the bundle's configurations by id, as on MONAI's command line; ``classes`` where
            the masks hold classes, see :class:`Run`.
        seeds: of the trainings; a study that has folds takes the first.
        jobs: runs at once.
        cluster: address of a Dask scheduler whose workers take the runs instead.
        pieces: the masks are binary, and their connected pieces are the objects.
        calibrated: choose how to decode by the images that validate; of studies that train each run alike.
        modality: regular expression that finds the kind of microscopy in the name of an image, where a
            dataset does not state it; splits spread it evenly, and it gets a table of its own.

    Example:
        >>> Study("nuclei_study", {"max_epochs": 30}).cross_validate("bundles/skip_unet", "nowhere")
        Traceback (most recent call last):
        ...
        FileNotFoundError: ...nowhere: there is no such folder or file
    """

    out: Dataset
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    jobs: int = 1
    cluster: str | None = None
    pieces: bool = False
    calibrated: bool = False
    modality: str | None = None

    def cross_validate(
        self, bundle: Dataset, data: Dataset, folds: int = 5, test: Dataset | None = None
    ) -> str:
        """Score each image by a training that has not seen it; see :func:`cross_validation`.

        Args:
            bundle: its folder, or a name of :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images.
            folds: how many.
            test: further labelled images, scored by the model of every fold.

        Returns:
            The table.
        """
        further = [] if test is None else self._items(test)
        runs = cross_validation(
            _folder(bundle),
            self._items(data),
            folds,
            self.seeds[0],
            self.options,
            further,
            self.pieces,
            self.calibrated,
        )
        return self._finish(runs, ["test"])

    def learning_curve(
        self, bundle: Dataset, data: Dataset, test: Dataset, counts: Sequence[int], metric: str = "dice"
    ) -> str:
        """Score against the number of annotated images; see :func:`learning_curve`.

        Args:
            bundle: its folder, or a name of :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images to draw from.
            test: labelled images to score.
            counts: numbers of images.
            metric: that the plot shows.
        """
        folder = _folder(bundle)
        runs = learning_curve(
            folder,
            self._items(data),
            self._items(test),
            counts,
            self.seeds,
            self.options,
            self.pieces,
            self.calibrated,
        )
        self._perform(runs)
        curve = curve_of(gather(runs, self._out), metric, folder.name)
        write_results(runs, self._out, ["training_images"], curve)
        return self._table()

    def compare(self, bundle: Dataset, data: Dataset, test: Dataset, names: Sequence[str] = NETWORKS) -> str:
        """Networks of a bundle's registry side by side, as in Table 3 of Yang et al.

        Args:
            bundle: its folder, or a name of :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images to learn from.
            test: labelled images to score.
            names: of the networks.
        """
        return self._compare(networks(_folder(bundle), names, self.options), data, test)

    def ablate_gates(self, bundle: Dataset, data: Dataset, test: Dataset) -> str:
        """Seven sets of attention gates in a U-Net++, as in Table 4 of Yang et al."""
        return self._compare(gates(_folder(bundle), self.options), data, test)

    def ablate_skips(self, bundles: Sequence[Dataset], data: Dataset, test: Dataset) -> str:
        """Three skip connections in each of the bundles, as in Table 2 of A. Frias."""
        return self._compare(skips([_folder(bundle) for bundle in bundles], self.options), data, test)

    def finetune(
        self,
        bundle: Dataset,
        base_data: Dataset,
        target_data: Dataset,
        counts: Sequence[int] = (5, 10, 15, 20),
        ways: Sequence[str] = ("first",),
        tuning: Mapping[str, Any] | None = None,
        rehearsal: float = 0.0,
        tests: tuple[int, int] = (6, 11),
    ) -> str:
        """Fine-tune a model of one dataset with a few images of another; see :class:`FineTuning`.

        Args:
            bundle: its folder, or a name of :func:`~cellseg_monai.runtime.known_bundles`.
            base_data: labelled images of the data that the base model learns from.
            target_data: labelled images of the shifted data.
            counts: numbers of target images.
            ways: to choose them: first, uncertain, diverse.
            tuning: options of the fine-tuning alone.
            rehearsal: old training images beside each new one.
            tests: how many of the last images of either test.
        """
        study = FineTuning(
            _folder(bundle),
            self._items(base_data),
            self._items(target_data),
            *tests,
            self.options,
            tuning or {},
            rehearsal,
            self.pieces,
        )
        base = study.base(self.seeds[0])
        self._perform([base])
        weights = weights_of(base, folder_of(base, self._out))
        runs = [base, *study.tuned(weights, counts, ways, self._out / "choices", self.seeds)]
        self._perform(runs)
        images = write_results(runs, self._out, ["chosen", "new_images", "test"])
        moved = transfer_table(images)
        write_study(self._out, {"transfer.csv": moved.to_csv(index=False, float_format="%.6g")})
        self._strip(study, [run for run in runs if run.factors["chosen"] in ("none", ways[0])])
        return f"{self._table()}\n\n{markdown(list(moved.columns), moved.itertuples(index=False))}"

    def pseudo_label(
        self,
        bundle: Dataset,
        labelled_data: Dataset,
        unlabelled: Dataset,
        test: Dataset,
        student: Mapping[str, Any] | None = None,
    ) -> str:
        """What images without labels add; see :class:`PseudoLabels`.

        Args:
            bundle: its folder, or a name of :func:`~cellseg_monai.runtime.known_bundles`.
            labelled_data: images to learn from.
            unlabelled: images without labels.
            test: labelled images to score.
            student: options of the trainings that go on from the teacher.
        """
        runs: list[Run] = []
        for seed in self.seeds:
            study = PseudoLabels(
                _folder(bundle),
                self._items(labelled_data),
                list_items(Path(unlabelled).resolve(), recursive=True),
                self._items(test),
                self.options,
                student or {},
                seed,
                self.pieces,
            )
            teacher = study.teacher()
            self._perform([teacher])
            weights = weights_of(teacher, folder_of(teacher, self._out))
            runs += [teacher, *study.students(weights, self._out / f"seed_{seed}")]
        return self._finish(runs, ["model"])

    def robustness(
        self,
        bundle: Dataset,
        data: Dataset,
        levels: Mapping[str, Sequence[Level]] | None = None,
        weights: Dataset | None = None,
    ) -> str:
        """What a trained bundle loses when the images change; see :func:`robustness`.

        Args:
            bundle: its folder, or a name of :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images to score.
            levels: of the changes to try, by name.
            weights: of the network, if not those of the bundle.
        """
        network = None if weights is None else Path(weights).resolve()
        runs = robustness(
            _folder(bundle),
            self._items(data),
            self._out,
            levels,
            network,
            self.options,
            self.seeds[0],
            self.pieces,
        )
        images = self._perform_and_write(runs, ["change", "level"])
        lost = robustness_table(runs, images, self._out)
        table = lost.to_csv(index=False, float_format="%.6g")
        write_study(self._out, {LOST: table, PLOT: robustness_plot(lost)})
        return self._table()

    @property
    def _out(self) -> Path:
        return Path(self.out).resolve()

    def _items(self, source: Dataset) -> list[Item]:
        folder = Path(source).resolve()  # trainings run in other folders
        return labelled(list_items(folder, modality=self.modality))

    def _compare(self, variants: Mapping[str, Any], data: Dataset, test: Dataset) -> str:
        return self._finish(
            comparison(
                variants, self._items(data), self._items(test), self.seeds, self.pieces, self.calibrated
            ),
            ["variant"],
        )

    def _perform(self, runs: Sequence[Run]) -> None:
        require_free(self._out, "study", RESULT_FILES)
        require_free(self._out, "report", [REPORT])
        with locked(self._out):
            perform_all(runs, self._out, self.jobs, self.cluster)

    def _perform_and_write(self, runs: Sequence[Run], by: Sequence[str]) -> pd.DataFrame:
        self._perform(runs)
        return write_results(runs, self._out, by)

    def _finish(self, runs: Sequence[Run], by: Sequence[str]) -> str:
        self._perform_and_write(runs, by)
        return self._table()

    def _table(self) -> str:
        files = [self._out / TABLE, self._out / BY_MODALITY]
        return "\n\n".join(file.read_text().rstrip() for file in files if file.is_file())

    def _strip(self, study: FineTuning, runs: Sequence[Run]) -> None:
        """Raw, each number of images, truth: for a few test images of either dataset."""
        shown = [run for run in runs if run.factors["seed"] == self.seeds[0]]
        for test in (OLD, NEW):
            columns = [
                (f"{number} images" if number else "raw", folder_of(run, self._out) / test / "labels")
                for run in shown
                for number in [run.factors["new_images"]]
            ]
            overlay_strip(study.tests[test][:STRIP], columns, self._out / f"{test}.png")


def _folder(bundle: Dataset) -> Path:
    folder = find_bundle(bundle).resolve()
    if not (folder / "configs/train.json").is_file():
        raise FileNotFoundError(f"{folder}/configs/train.json: there is no such bundle")
    return folder
