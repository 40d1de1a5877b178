"""Whole studies: from datasets to tables and a report in one call. The same call continues a study."""

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
from cellseg_monai.studies import plans, tables
from cellseg_monai.studies.execution import folder_of, perform_all
from cellseg_monai.studies.fine_tuning import FineTuning, transfer_table
from cellseg_monai.studies.image_changes import Level
from cellseg_monai.studies.morphology_study import morphology
from cellseg_monai.studies.pseudo_labels import PseudoLabels, best_by_f1
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.robustness_study import LOST, PLOT, robustness, robustness_plot, robustness_table
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.run_steps import weights_of

Dataset = str | PathLike[str]


@dataclass(frozen=True)
class Study:
    """Options that all studies share, with one method per study.

    Each method returns the content of ``table.md``.

    Attributes:
        out: folder for the runs, ``results.csv``, ``images.csv``, ``table.md`` and ``report.html``.
        options: configuration values of the bundle by id, as on MONAI's command line; add ``classes`` if the
            masks hold classes, see :class:`Run`.
        seeds: random seeds of the trainings; a study with folds uses only the first one.
        jobs: number of runs at the same time.
        cluster: Dask cluster whose workers take the runs, such as ``local:2`` or the address of a scheduler.
        pieces: whether the connected pieces of a binary mask are its objects.
        calibrated: whether the validation images decide how to decode.
        as_published: whether trainings use the settings of the bundle's publication, see
            :meth:`Recipe.as_published`; `options` override them.
        modality: regular expression that finds the kind of microscopy in the name of an image, if the dataset
            does not name it. Splits spread the kinds evenly, and a second table has the scores of each kind.

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
    as_published: bool = False
    modality: str | None = None

    def cross_validate(
        self, bundle: Dataset, data: Dataset, folds: int = 5, test: Dataset | None = None
    ) -> str:
        """Score each image by a model that was not trained on it; see :func:`cross_validation`.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images.
            folds: number of folds.
            test: further labelled images, scored by the model of every fold.
        """
        further = [] if test is None else self._items(test)
        return self._finish(
            plans.cross_validation(self._recipe(bundle), self._items(data), folds, further), ["test"]
        )

    def learning_curve(
        self, bundle: Dataset, data: Dataset, test: Dataset, counts: Sequence[int], metric: str | None = None
    ) -> str:
        """Plot the score against the number of annotated images; see :func:`learning_curve`.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images to draw from.
            test: labelled images to score.
            counts: numbers of training images.
            metric: score to plot; by default ``dice``, or ``miou`` for classes.
        """
        recipe = self._recipe(bundle)
        runs = plans.learning_curve(recipe, self._items(data), self._items(test), counts)
        self._perform(runs)
        curve = plans.curve_of(tables.gather(runs, self._out), metric, recipe.bundle.name)
        tables.write_results(runs, self._out, ["training_images"], curve)
        return self._table()

    def compare(
        self, bundle: Dataset, data: Dataset, test: Dataset, names: Sequence[str] = plans.NETWORKS
    ) -> str:
        """Compare networks from the bundle's ``choices.json``, as in Table 3 of Yang et al.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled training images.
            test: labelled images to score.
            names: names of the networks.
        """
        return self._compare(plans.networks(self._recipe(bundle), names), data, test)

    def ablate_gates(self, bundle: Dataset, data: Dataset, test: Dataset) -> str:
        """Compare seven sets of attention gates in a U-Net++, as in Table 4 of Yang et al."""
        return self._compare(plans.gates(self._recipe(bundle)), data, test)

    def ablate_skips(self, bundles: Sequence[Dataset], data: Dataset, test: Dataset) -> str:
        """Compare three skip connections in each of the bundles, as in Table 2 of A. Frias."""
        return self._compare(plans.skips([self._recipe(bundle) for bundle in bundles]), data, test)

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
        base_count: int | None = None,
    ) -> str:
        """Fine-tune a model of one dataset with a few images of another; see :class:`FineTuning`.

        With `as_published`, each run learns from all of its images and keeps the weights of the last epoch.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            base_data: labelled images of the base model.
            target_data: labelled images of the shifted data.
            counts: numbers of target images.
            ways: ways to choose them: "first", "uncertain", "diverse".
            tuning: options of the fine-tuning only.
            rehearsal: number of old training images for each new one.
            tests: numbers of test images, the last of the base data and the last of the target data.
            base_count: number of base images to train on, the first; by default all but the test images.
        """
        recipe = self._recipe(bundle)
        study = FineTuning(
            recipe,
            self._items(base_data),
            self._items(target_data),
            *tests,
            tuning or {},
            rehearsal,
            base_count,
            last_epoch=self.as_published,
        )
        base = study.base()
        self._perform([base])
        weights = weights_of(base, folder_of(base, self._out))
        runs = [base, *study.tuned(weights, counts, ways, self._out / "choices")]
        images = self._perform_and_write(runs, ["chosen", "new_images", "test"])
        moved = transfer_table(images)
        tables.write_study(self._out, {"transfer.csv": moved})
        study.draw_strips(runs, ways[0], self._out)
        return f"{self._table()}\n\n{markdown(list(moved.columns), moved.itertuples(index=False))}"

    def pseudo_label(
        self,
        bundle: Dataset,
        labelled_data: Dataset,
        unlabelled: Dataset,
        test: Dataset,
        names: Sequence[str] = plans.NETWORKS,
        continued: Mapping[str, Any] | None = None,
    ) -> str:
        """Show what images without labels add; see :class:`PseudoLabels`.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            labelled_data: labelled training images.
            unlabelled: images without labels.
            test: labelled images to score.
            names: names of the networks in the bundle's ``choices.json``.
            continued: options of the two trainings that continue from the teacher's weights.
        """
        study = PseudoLabels(
            self._recipe(bundle),
            self._items(labelled_data),
            list_items(Path(unlabelled).resolve(), recursive=True),
            self._items(test),
            names,
            continued or {},
        )
        runs: list[Run] = []
        for seed in self.seeds:
            supervised = study.supervised(seed)
            self._perform(supervised)
            best = best_by_f1(tables.gather(supervised, self._out))
            teacher = next(run for run in supervised if run.factors["network"] == best)
            weights = weights_of(teacher, folder_of(teacher, self._out))
            runs += [*supervised, *study.followers(best, weights, self._out / f"seed_{seed}", seed)]
        return self._finish(runs, ["model", "network", "test"])

    def morphology(self, bundle: Dataset, data: Dataset, weights: Dataset | None = None) -> str:
        """Compare opening, closing, both and none as clean-up of the foreground; see :func:`morphology`.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images to score.
            weights: file of the weights; by default those of the bundle.
        """
        network = None if weights is None else Path(weights).resolve()
        runs = morphology(self._recipe(bundle), self._items(data), self._out, network)
        return self._finish(runs, ["morphology"])

    def robustness(
        self,
        bundle: Dataset,
        data: Dataset,
        levels: Mapping[str, Sequence[Level]] | None = None,
        weights: Dataset | None = None,
    ) -> str:
        """Show how much worse a trained bundle scores when the images change; see :func:`robustness`.

        Args:
            bundle: folder of the bundle, or a name from :func:`~cellseg_monai.runtime.known_bundles`.
            data: labelled images to score.
            levels: levels to try by name of the change; by default all.
            weights: file of the weights; by default those of the bundle.
        """
        network = None if weights is None else Path(weights).resolve()
        runs = robustness(self._recipe(bundle), self._items(data), self._out, levels, network)
        images = self._perform_and_write(runs, ["change", "level"])
        lost = robustness_table(runs, images, self._out)
        tables.write_study(self._out, {LOST: lost}, {PLOT: robustness_plot(lost)})
        return self._table()

    @property
    def _out(self) -> Path:
        return Path(self.out).resolve()

    def _recipe(self, bundle: Dataset) -> Recipe:
        folder = find_bundle(bundle).resolve()
        if not (folder / "configs/train.json").is_file():
            raise FileNotFoundError(f"{folder}/configs/train.json is missing; give the folder of a bundle")
        recipe = Recipe(folder, self.options, self.seeds, self.pieces, self.calibrated)
        return recipe.as_published() if self.as_published else recipe

    def _items(self, source: Dataset) -> list[Item]:
        folder = Path(source).resolve()  # trainings run in other folders
        return labelled(list_items(folder, modality=self.modality))

    def _compare(self, variants: Mapping[str, Recipe], data: Dataset, test: Dataset) -> str:
        return self._finish(plans.comparison(variants, self._items(data), self._items(test)), ["variant"])

    def _perform(self, runs: Sequence[Run]) -> None:
        require_free(self._out, "study", tables.RESULT_FILES)
        require_free(self._out, "report", [tables.REPORT])
        with locked(self._out):
            perform_all(runs, self._out, self.jobs, self.cluster)

    def _perform_and_write(self, runs: Sequence[Run], by: Sequence[str]) -> pd.DataFrame:
        self._perform(runs)
        return tables.write_results(runs, self._out, by)

    def _finish(self, runs: Sequence[Run], by: Sequence[str]) -> str:
        self._perform_and_write(runs, by)
        return self._table()

    def _table(self) -> str:
        files = [self._out / tables.TABLE, self._out / tables.BY_MODALITY]
        return "\n\n".join(file.read_text().rstrip() for file in files if file.is_file())
