"""A bundle so small that everything can be done with it: one convolutional level, images in .npy files."""

from pathlib import Path
from textwrap import dedent

import pytest
import torch
from monai.networks.nets import UNet

from cellseg_monai.bundling import render_bundles

BASE = {
    "metadata.yaml": """
        schema: https://example.org/meta_schema.json
        version: 0.1.0
        changelog: {0.1.0: first}
        monai_version: 1.6.1
        pytorch_version: 2.6.0
        numpy_version: 1.26.4
        required_packages_version: {tifffile: 2024.8.10}
        name: Base
        task: segments
        description: nothing yet
        authors: the authors
        copyright: theirs
        network_data_format:
          inputs:
            image:
              {type: image, format: magnitude, num_channels: 1, spatial_shape: [16, "16*n"], dtype: float32,
               value_range: [0, 1], is_patch_data: true, channel_def: {0: image}}
          outputs:
            pred:
              {type: image, format: labels, num_channels: 1, spatial_shape: [16, "16*n"], dtype: float32,
               value_range: [], is_patch_data: true, channel_def: {0: cell}}
    """,
    "shared.yaml": """
        bundle_root: "."
        dataset_dir: "$@bundle_root + '/data'"
        output_dir: "$@bundle_root + '/eval'"
        device: "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')"
        in_channels: 1
        network_def: "%networks#unet"
        network: "$@network_def.to(@device)"
    """,
    "choices.yaml": """
        networks:
          unet:
            {_target_: UNet, spatial_dims: 2, in_channels: "@in_channels", out_channels: 1,
             channels: [2, 4], strides: [2]}
          other:
            {_target_: UNet, spatial_dims: 2, in_channels: "@in_channels", out_channels: 1,
             channels: [3, 4], strides: [2]}
        losses:
          dice: {_target_: DiceLoss, sigmoid: true}
    """,
    "train.yaml": """
        learning_rate: 0.01
        val_interval: 1
        items: {_target_: cellseg_monai.data.list_items, source: "@dataset_dir"}
        loss: "%losses#dice"
        optimizer: {_target_: torch.optim.SGD, params: "$@network.parameters()", lr: "@learning_rate"}
        train:
          dataset: {_target_: Dataset, data: "@items"}
          dataloader: {_target_: DataLoader, dataset: "@train#dataset"}
          inferer: {_target_: SimpleInferer}
          handlers:
            - {_target_: ValidationHandler, validator: "@validate#evaluator", interval: "@val_interval"}
            - {_target_: StatsHandler, tag_name: train_loss}
          trainer:
            _target_: SupervisedTrainer
            max_epochs: 3
            device: "@device"
            train_data_loader: "@train#dataloader"
            network: "@network"
            loss_function: "@loss"
            optimizer: "@optimizer"
            train_handlers: "@train#handlers"
        validate:
          dataset: {_target_: Dataset, data: "@items"}
          dataloader: {_target_: DataLoader, dataset: "@validate#dataset"}
          handlers: [{_target_: StatsHandler}]
          evaluator:
            _target_: SupervisedEvaluator
            device: "@device"
            val_data_loader: "@validate#dataloader"
            network: "@network"
            val_handlers: "@validate#handlers"
        run: ["$@train#trainer.run()"]
    """,
    "inference.yaml": """
        imports: ["$import pathlib"]
        dataset:
          _target_: Dataset
          data: "$[{'image': str(file)} for file in pathlib.Path(@dataset_dir).glob('*.npy')]"
          transform: "@preprocessing"
        dataloader: {_target_: DataLoader, dataset: "@dataset"}
        preprocessing:
          _target_: Compose
          transforms:
            - {_target_: LoadImaged, keys: image, ensure_channel_first: true}
            - {_target_: cellseg_monai.transforms.PercentileStretchd, keys: image}
        postprocessing:
          _target_: Compose
          transforms:
            - {_target_: AsDiscreted, keys: pred, threshold: 0.0}
        inferer: {_target_: SimpleInferer}
        handlers:
          - _target_: CheckpointLoader
            load_path: "$@bundle_root + '/models/model.pt'"
            load_dict: {model: "@network"}
        evaluator:
          _target_: SupervisedEvaluator
          device: "@device"
          val_data_loader: "@dataloader"
          network: "@network"
          inferer: "@inferer"
          postprocessing: "@postprocessing"
          val_handlers: "@handlers"
        run:
          - "$@evaluator.run()"
          - "$torch.save(@evaluator.state.output[0]['pred'].as_tensor(), @output_dir + '/pred.pt')"
    """,
    "inference_large.yaml": """
        tile: 64
        inferer: {_target_: SlidingWindowInferer, roi_size: "@tile"}
    """,
    "evaluate.yaml": """
        validate#handlers: [{_target_: StatsHandler, name: evaluation}]
        run: ["$@validate#evaluator.run()"]
    """,
    "unlabelled.yaml": """
        train#trainer#max_epochs: 2
    """,
    "semi_supervised.yaml": """
        +train#trainer: {amp: false}
    """,
    "fixed_teacher.yaml": """
        +train#trainer: {amp: false}
    """,
    "multi_gpu_train.yaml": """
        device: "$torch.device('cpu', @rank)"
        rank: 0
    """,
    "multi_gpu_evaluate.yaml": """
        validate#handlers#0#name: "$'of ' + str(@device)"
    """,
    "logging.conf": "[loggers]\nkeys=root\n[handlers]\nkeys=\n[formatters]\nkeys=\n[logger_root]\nhandlers=",
}


def write_files(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with nothing wrong, rendered, with weights."""
    write_files(tmp_path / "bundles/_base", BASE)
    folder = tmp_path / "bundles/tiny"
    write_files(
        folder, {"bundle.yaml": "metadata: {name: Tiny}", "LICENSE": "free", "docs/README.md": "# Tiny"}
    )
    (folder / "models").mkdir()
    torch.save(UNet(2, 1, 1, [2, 4], [2]).state_dict(), folder / "models/model.pt")
    render_bundles(folder)
    return folder
