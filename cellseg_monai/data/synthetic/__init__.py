"""Synthetic microscopy with exact truth, for demonstrations, tests and benchmarks without a download."""

from cellseg_monai.data.synthetic.files import write_synthetic_dataset, write_synthetic_timelapse
from cellseg_monai.data.synthetic.kinds import KINDS, Kind, synthesize
from cellseg_monai.data.synthetic.scene import Scene, SyntheticImage
from cellseg_monai.data.synthetic.timelapse import TimeLapse, Track, timelapse

__all__ = [
    "KINDS", "Kind", "Scene", "SyntheticImage", "TimeLapse", "Track", "synthesize", "timelapse",
    "write_synthetic_dataset", "write_synthetic_timelapse",
]  # fmt: skip
