"""PyTorch in two precisions beside other engines, from the image to its labels.

    python benchmarks/engines.py [DATASET] [--bundle patch_attention_unet] [--images 4]

Prints the Dice and F1 scores of each, the median ratio of the times of the processor, which other programs
hardly change, and how many pixels of the label maps differ from those in float32. The candidates alternate,
in one thread. ONNX Runtime is measured if `onnxruntime` and `onnx` are installed, OpenVINO if `openvino` is.
Their networks have a fixed size, which is the fastest form; the last column has the seconds to make one.
"""

import argparse
import io
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from importlib.util import find_spec
from statistics import fmean, median
from typing import Any

import torch
from monai.bundle import ConfigParser
from torch import nn

from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.metrics import instance_counts, instance_scores, pixel_counts, pixel_scores
from cellseg_monai.runtime.finding import find_inference

Engine = Callable[[torch.Tensor], torch.Tensor]


class Exported(nn.Module):
    """A network in another engine, made for each size of a batch when it first comes."""

    def __init__(self, network: nn.Module, build: Callable[[bytes], Engine]) -> None:
        super().__init__()
        self.export = lambda windows: build(onnx(network, windows))
        self.engines: dict[torch.Size, Engine] = {}
        self.seconds: list[float] = []

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Return the output of the engine."""
        if windows.shape not in self.engines:
            began = time.process_time()
            self.engines[windows.shape] = self.export(windows)
            self.seconds.append(time.process_time() - began)
        return self.engines[windows.shape](windows.contiguous())


def onnx(network: nn.Module, windows: torch.Tensor) -> bytes:
    """Network as ONNX, for batches of this size."""
    file = io.BytesIO()
    torch.onnx.export(network, (windows.contiguous(),), file, dynamo=False, opset_version=17)
    return file.getvalue()


def onnx_runtime(model: bytes) -> Engine:
    """Engine of ONNX Runtime, float32, as it has no bfloat16 on a CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda windows: torch.from_numpy(session.run(None, {name: windows.numpy()})[0])


def open_vino(precision: str) -> Callable[[bytes], Engine]:
    """Engine of OpenVINO with this precision."""

    def build(model: bytes) -> Engine:
        import openvino

        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": "1"}
        read = openvino.Core().read_model(model, b"")
        compiled = openvino.compile_model(read, "CPU", options)
        return lambda windows: torch.from_numpy(compiled(windows.numpy())[0].copy())

    return build


def candidates(network: nn.Module, pytorch_only: bool) -> dict[str, tuple[nn.Module, bool]]:
    """Network and use of bfloat16 by PyTorch, of each candidate; the first one is the reference."""
    found: dict[str, tuple[nn.Module, bool]] = {
        "PyTorch, float32": (network, False),
        "PyTorch, bfloat16": (network, True),
    }
    if pytorch_only:
        return found
    if find_spec("onnxruntime") and find_spec("onnx"):
        found["ONNX Runtime, float32"] = (Exported(network, onnx_runtime), False)
    if find_spec("openvino"):
        found["OpenVINO, float32"] = (Exported(network, open_vino("f32")), False)
        found["OpenVINO, bfloat16"] = (Exported(network, open_vino("bf16")), False)
    return found


def parts(bundle: str) -> Any:
    """Configuration of a bundle for inference, with its weights in the network."""
    inference = find_inference(bundle)
    config = ConfigParser(ConfigParser.load_config_files(inference.files))
    config["bundle_root"] = str(inference.bundle)
    network = config.get_parsed_content("network").eval()
    network.load_state_dict(torch.load(config.get_parsed_content("weights"), weights_only=True))
    inferer = config.get_parsed_content("inferer")
    if inferer.fitted(network):
        inferer.window = "fit"  # an engine cannot be examined, but has the same layers
    return config


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", nargs="?", help="images and masks; by default synthetic nuclei")
    parser.add_argument("--bundle", default="patch_attention_unet")
    parser.add_argument("--images", type=int, default=4, help="number of images, spread over the dataset")
    parser.add_argument("--pytorch", action="store_true", help="the two precisions only")
    parser.add_argument("--side", type=int, default=512, help="side of synthetic images")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        size = (arguments.side, arguments.side)
        source = arguments.dataset or write_synthetic_dataset(
            "nuclei", folder, count=arguments.images, size=size
        )
        items = list_items(source)
        chosen = items[:: max(1, len(items) // arguments.images)][: arguments.images]
        compare(chosen, arguments.bundle, arguments.pytorch)


def compare(items: list[dict[str, Any]], bundle: str, pytorch_only: bool = False) -> None:
    """Segment each image with each candidate, twice, of which the second time counts."""
    config = parts(bundle)
    read, inferer, network, decode = map(
        config.get_parsed_content, ("preprocessing", "inferer", "network", "decoding")
    )
    truths = ConfigParser({"read": _READ_LABEL}).get_parsed_content("read")
    seconds: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    dice, f1, differing = defaultdict(list), defaultdict(list), defaultdict(list)
    pixels = 0
    ways = candidates(network, pytorch_only)
    for item in items:
        truth = truths({"label": item["label"]})["label"][0].numpy()
        pixels += truth.size
        maps = {}
        for final in (False, True):
            for name, (engine, inferer.amp) in ways.items():
                began = time.process_time()
                image = read({"image": item["image"]})["image"][None]
                at = time.process_time()
                logits = inferer(image, engine)
                network_seconds = time.process_time() - at
                labels = decode({"pred": logits[0]})["pred"]
                if final:
                    seconds[name].append(time.process_time() - began)
                    alone[name].append(network_seconds)
                    maps[name] = labels[0].numpy()
        for name, labels in maps.items():
            dice[name].append(pixel_scores(pixel_counts(labels, truth)).dice.item())
            f1[name].append(instance_scores(instance_counts(labels, truth)).f1.item())
            first = maps["PyTorch, float32"]
            differing[name].append(float(((labels > 0) != (first > 0)).mean()))
    print(f"\n{bundle}: {len(items)} images, {pixels / 1e6:.2f} megapixels; processor seconds per megapixel")
    print(f"{'':24} network  image to labels   ratio      Dice        F1   other pixels    to make")
    for name, taken in seconds.items():
        making = getattr(ways[name][0], "seconds", None)
        ratio = median(each / first for each, first in zip(taken, seconds["PyTorch, float32"], strict=True))
        print(
            f"{name:24} {sum(alone[name]) / pixels * 1e6:7.2f} {sum(taken) / pixels * 1e6:16.2f} {ratio:7.2f}"
            f" {fmean(dice[name]):9.4f} {fmean(f1[name]):9.4f} {fmean(differing[name]):14.5%}"
            f" {median(making) if making else 0:10.1f}",
            flush=True,
        )


_READ_LABEL = {
    "_target_": "LoadImaged",
    "keys": "label",
    "reader": "cellseg_monai.data.MicroscopyReader",
    "kind": "label",
    "ensure_channel_first": True,
}


if __name__ == "__main__":
    main()
