"""All that only a GPU can show, in less than ten minutes: `python benchmarks/gpu.py OUT`.

Runs the tests marked `gpu`, and measures precisions, `torch.compile`, transfers on their own streams, real
lack of memory, inference beside MONAI's sliding window, the share of the time in which the GPU computes, and
training. Writes OUT/gpu.md, one table, and OUT/gpu.json, the same with the versions and the device.

Each part runs in a process of its own, so that one that fails or takes too long is a line in the table and
the others still run. `--device cpu --tiny` tries the script itself; its figures say nothing about a GPU.
"""

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from monai.inferers import SlidingWindowInferer
from monai.networks.nets import AttentionUnet, UNet
from torch import nn
from torch.autograd import DeviceType

from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.inference import TiledInferer
from cellseg_monai.jobs import predict
from cellseg_monai.networks import AttentionUNetPlusPlus, PatchAttentionUNet, SkipUNet
from cellseg_monai.runtime.provenance import machine

REPOSITORY = Path(__file__).resolve().parents[1]
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
PATCH = 128


class Row(NamedTuple):
    """A line of the table.

    Attributes:
        part: part of the script.
        case: what was measured.
        value: figure, or what happened.
        unit: unit of the figure.
        ratio: figure relative to the first of its kind.
    """

    part: str
    case: str
    value: float | str
    unit: str = ""
    ratio: float | None = None


class Scale(NamedTuple):
    """Sizes of what is measured.

    Attributes:
        device: device to measure.
        side: side of an image in pixels.
        widths: channels of the networks.
        batch: patches of a training step.
        images: number of images to predict.
        repeats: number of timed calls.
    """

    device: torch.device
    side: int = 2048
    widths: tuple[int, ...] = (32, 64, 128, 256, 512)
    batch: int = 32
    images: int = 64
    repeats: int = 5

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    def networks(self) -> dict[str, nn.Module]:
        """Networks of MONAI and ours, of the same widths."""
        shape: dict[str, Any] = {"spatial_dims": 2, "in_channels": 1, "out_channels": 2}
        shape["channels"] = self.widths
        strides = (2,) * (len(self.widths) - 1)
        made = {
            "MONAI AttentionUnet": AttentionUnet(**shape, strides=strides),
            "MONAI UNet": UNet(**shape, strides=strides, num_res_units=2),
            "PatchAttentionUNet": PatchAttentionUNet(**shape),
            "AttentionUNetPlusPlus": AttentionUNetPlusPlus(**shape),
            "SkipUNet": SkipUNet(**shape),
        }
        return {name: network.to(self.device) for name, network in made.items()}

    def seconds(self, call: Callable[[], Any]) -> float:
        """Median time of a call, after a first one that is not counted."""
        call()
        taken = []
        for _ in range(self.repeats):
            self.settle()
            began = time.perf_counter()
            call()
            self.settle()
            taken.append(time.perf_counter() - began)
        return median(taken)

    def settle(self) -> None:
        """Wait until the device is done."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)


def tests(scale: Scale) -> Iterator[Row]:
    """Run the tests that need a GPU."""
    files = [
        str(path) for path in (REPOSITORY / "tests").rglob("test_*.py") if "mark.gpu" in path.read_text()
    ]
    words = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-p", "no:cacheprovider", *sorted(files)]
    ended = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    yield Row("tests", f"{len(files)} files", ended.stdout.strip().rpartition("\n")[2].strip("= "))
    for line in ended.stdout.splitlines():
        if line.startswith(("FAILED", "ERROR")):
            yield Row("tests", line.split(" - ")[0], "failed")


def inference(scale: Scale) -> Iterator[Row]:
    """Megapixels per second of MONAI's sliding window and ours, in each precision."""
    ours = partial(TiledInferer, blending="gaussian", patch_size=PATCH, progress=False)
    ways = {
        "MONAI's sliding window": SlidingWindowInferer((PATCH, PATCH), scale.batch, 0.25, "gaussian"),
        "ours, the same windows": ours(PATCH),
        "ours, windows that fit": ours("fit"),
    }
    image = torch.rand(1, 1, scale.side, scale.side, device=scale.device)
    for name, network in scale.networks().items():
        if name not in ("MONAI AttentionUnet", "PatchAttentionUNet"):
            continue
        exact, first = None, None
        for precision, dtype in PRECISIONS.items():
            for way, inferer in ways.items():
                call = partial(_predicted, inferer, image, network.eval(), dtype)
                rate = scale.side**2 / 1e6 / scale.seconds(call)
                first = first or rate
                yield Row("inference", f"{name}, {precision}, {way}", rate, "MP/s", rate / first)
            probability = call().sigmoid()
            exact = probability if exact is None else exact
            worst = float((probability - exact).abs().max())
            yield Row("precision", f"{name}, {precision}: largest change of a probability", worst)


def compiled(scale: Scale) -> Iterator[Row]:
    """Inference with and without ``torch.compile``."""
    image = torch.rand(1, 1, scale.side, scale.side, device=scale.device)
    network = scale.networks()["PatchAttentionUNet"].eval()
    first = None
    for case, option in (("eager", False), ("torch.compile", True)):
        inferer = TiledInferer("fit", patch_size=PATCH, progress=False, compiled=option)
        began = time.perf_counter()
        _predicted(inferer, image, network, torch.bfloat16)
        yield Row("compile", f"{case}: first image", time.perf_counter() - began, "s")
        rate = (
            scale.side**2 / 1e6 / scale.seconds(partial(_predicted, inferer, image, network, torch.bfloat16))
        )
        first = first or rate
        yield Row("compile", f"{case}: further images", rate, "MP/s", rate / first)


def streams(scale: Scale) -> Iterator[Row]:
    """Images in the memory of the host: what the transfers cost, and how long the GPU waits for them."""
    network = scale.networks()["PatchAttentionUNet"].eval()
    here = torch.rand(1, 1, scale.side, scale.side, device=scale.device)
    monai = SlidingWindowInferer(
        (PATCH, PATCH), scale.batch, 0.25, "gaussian", sw_device=scale.device, device="cpu"
    )
    ours = TiledInferer("fit", patch_size=PATCH, progress=False)
    reference = _predicted(ours, here, network, torch.bfloat16)
    first = None
    for case, inferer, image in (
        ("image on the device, ours", ours, here),
        ("image on the host, ours", ours, here.cpu()),
        ("image on the host, MONAI's sliding window", monai, here.cpu()),
    ):
        call = partial(_predicted, inferer, image, network, torch.bfloat16)
        rate = scale.side**2 / 1e6 / scale.seconds(call)
        first = first or rate
        yield Row("streams", case, rate, "MP/s", rate / first)
        if scale.on_gpu:
            yield Row("streams", f"{case}: GPU busy", _busy(call), "of the time")
        if inferer is ours:
            apart = float((call().cpu() - reference.cpu()).abs().max())
            yield Row("streams", f"{case}: largest difference of a logit", apart)


def memory(scale: Scale) -> Iterator[Row]:
    """Real lack of memory: the same result with a half, a quarter and an eighth of what was needed."""
    if not scale.on_gpu:
        yield Row("memory", "lack of memory", "not on this device")
        return
    image = torch.rand(1, 1, scale.side, scale.side, device=scale.device)
    network = scale.networks()["PatchAttentionUNet"].eval()
    options: dict[str, Any] = {"patch_size": PATCH, "progress": False, "batch_size": 64}
    remedies: list[str] = []
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: remedies.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("cellseg_monai").addHandler(listener)
    for window in (PATCH, "fit"):
        torch.cuda.set_per_process_memory_fraction(1.0, scale.device)
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        expected = _predicted(TiledInferer(window, **options), image, network, torch.float32).cpu()
        needed = torch.cuda.max_memory_allocated() - held
        total = torch.cuda.get_device_properties(scale.device).total_memory
        yield Row("memory", f"window {window}: needed beyond the network", needed / 2**20, "MiB")
        for part in (2, 4, 8, 16):
            torch.cuda.empty_cache()
            limit = torch.cuda.memory_reserved() + needed // part
            torch.cuda.set_per_process_memory_fraction(limit / total, scale.device)
            remedies.clear()
            case = f"window {window}, 1/{part} of it"
            try:
                found = _predicted(TiledInferer(window, **options), image, network, torch.float32).cpu()
            except RuntimeError as error:
                yield Row("memory", case, str(error).partition("\n")[0])
                continue
            apart = float((found - expected).abs().max())
            yield Row("memory", f"{case}: largest difference of a logit", apart)
            yield Row("memory", f"{case}: log", "; ".join(remedies) or "nothing")


def training(scale: Scale) -> Iterator[Row]:
    """Patches per second of a training step with AdamW, in float32 and in half precision, and compiled."""
    patches = torch.rand(scale.batch, 1, PATCH, PATCH, device=scale.device)
    truth = (patches.repeat(1, 2, 1, 1) > 0.5).float()
    first: dict[str, float] = {}
    for name, network in scale.networks().items():
        cases = [(precision, network) for precision in ("float32", "bfloat16")]
        if name == "PatchAttentionUNet":
            cases.append(("bfloat16, compiled", torch.compile(network)))
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
        for case, used in cases:
            dtype = PRECISIONS[case.partition(",")[0]]
            rate = scale.batch / scale.seconds(partial(_step, used.train(), optimizer, patches, truth, dtype))
            first.setdefault(case, rate)
            yield Row("training", f"{name}, {case}", rate, f"patches of {PATCH}²/s", rate / first[case])


def prediction(scale: Scale) -> Iterator[Row]:
    """Files to files with a shipped bundle: seconds of each stage, and the share in which the GPU is busy."""
    with TemporaryDirectory() as folder:
        side = min(512, scale.side)
        write_synthetic_dataset("nuclei", f"{folder}/set", count=scale.images, size=(side, side))
        images, rounds = f"{folder}/set/images", iter(range(99))
        call = lambda: predict(  # noqa: E731
            "patch_attention_unet", [images], f"{folder}/{next(rounds)}", device=str(scale.device)
        )
        call()
        began = time.perf_counter()
        call()
        rate = scale.images / (time.perf_counter() - began)
        yield Row("predict", f"{scale.images} files of {side}²", rate, "images/s")
        table = Path(folder, "1/timing.csv").read_text().splitlines()
        columns = [line.rsplit(",", 4)[1:] for line in table]
        for stage, *values in zip(*columns, strict=True):
            yield Row("predict", f"{stage}, median of an image", 1e3 * median(map(float, values)), "ms")
        if scale.on_gpu:
            yield Row("predict", "GPU busy", _busy(call), "of the time")


PARTS = {part.__name__: part for part in (tests, inference, streams, memory, training, prediction, compiled)}
"""By name, those that matter most first."""


def _predicted(inferer: Any, image: torch.Tensor, network: nn.Module, dtype: torch.dtype) -> torch.Tensor:
    half = dtype != torch.float32
    device = next(network.parameters()).device.type
    with torch.no_grad(), torch.autocast(device, dtype if half else torch.bfloat16, enabled=half):
        result: torch.Tensor = inferer(image, network)
    return result.float()


def _step(
    network: Any,
    optimizer: torch.optim.Optimizer,
    patches: torch.Tensor,
    truth: torch.Tensor,
    dtype: torch.dtype,
) -> None:
    half = dtype != torch.float32
    with torch.autocast(patches.device.type, dtype if half else torch.bfloat16, enabled=half):
        logits = network(patches)
    logits = logits[0] if isinstance(logits, list) else logits
    nn.functional.binary_cross_entropy_with_logits(logits.float(), truth).backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _busy(call: Callable[[], Any]) -> float:
    """Share of the time of a call in which the GPU runs at least one kernel or copy."""
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        taken = time.perf_counter() - began
    events = (event for event in profile.events() if event.device_type == DeviceType.CUDA)
    spans = sorted((event.time_range.start, event.time_range.end) for event in events)
    busy, until = 0.0, 0.0
    for start, end in spans:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy / 1e6 / taken


def run_part(name: str, words: list[str], out: Path, seconds: float) -> list[Row]:
    """Run one part in a process of its own, and read its rows, even if it fails on the way."""
    file = out / f"{name}.jsonl"
    file.unlink(missing_ok=True)
    try:
        ended = subprocess.run(
            [sys.executable, __file__, str(out), *words, "--part", name],
            stderr=subprocess.PIPE,
            text=True,
            timeout=max(seconds, 1),
            check=False,
        )
        trouble = "" if ended.returncode == 0 else ended.stderr.strip().rpartition("\n")[2]
    except subprocess.TimeoutExpired:
        trouble = "took too long and was stopped"
    rows = [Row(*json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    return [*rows, Row(name, "stopped", trouble)] if trouble else rows


def markdown(rows: list[Row], title: str) -> str:
    """Table of the rows."""
    lines = [title, "", "| part | case | value | unit | ratio |", "|---|---|---|---|---|"]
    for row in rows:
        value = row.value if isinstance(row.value, str) else f"{row.value:.4g}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(f"| {row.part} | {row.case} | {value.replace('|', '/')} | {row.unit} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all parts, or one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, help="folder for gpu.md and gpu.json")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="small sizes, to try the script itself")
    parser.add_argument("--minutes", type=float, default=9.5, help="time for everything")
    parser.add_argument("--part", choices=PARTS, help="run this part only, and write its rows")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        parser.error("PyTorch finds no GPU here; --device cpu --tiny tries the script")
    small = {"side": 64, "widths": (8,) * 5, "batch": 2, "images": 2, "repeats": 1} if arguments.tiny else {}
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.part:
        with (arguments.out / f"{arguments.part}.jsonl").open("w") as file:
            for row in PARTS[arguments.part](Scale(device, **small)):
                print(json.dumps(row), file=file, flush=True)
        return
    words = ["--device", arguments.device, *["--tiny"] * arguments.tiny]
    end, rows = time.monotonic() + 60 * arguments.minutes, []
    for name in PARTS:
        rows += run_part(name, words, arguments.out, end - time.monotonic())
        text = markdown(rows, f"{machine()}; PyTorch {torch.__version__}")
        (arguments.out / "gpu.md").write_text(text)
        described = {"machine": machine(), "torch": torch.__version__, "cuda": torch.version.cuda}
        described |= {"device": arguments.device, "tiny": arguments.tiny, "threads": os.cpu_count()}
        described["rows"] = [row._asdict() for row in rows]
        (arguments.out / "gpu.json").write_text(json.dumps(described, indent=1))
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
