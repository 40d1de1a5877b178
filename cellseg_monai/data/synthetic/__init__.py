"""Synthetic microscopy with exact truth: demonstrations, tests and benchmarks without a download."""

from cellseg_monai.data.synthetic.filaments import filaments
from cellseg_monai.data.synthetic.files import write_synthetic_dataset, write_synthetic_timelapse
from cellseg_monai.data.synthetic.image import SyntheticImage
from cellseg_monai.data.synthetic.kinds import KINDS, Kind, synthesize
from cellseg_monai.data.synthetic.nuclei import nuclei
from cellseg_monai.data.synthetic.phase import phase
from cellseg_monai.data.synthetic.timelapse import TimeLapse, Track, timelapse
from cellseg_monai.data.synthetic.tissue import tissue

__all__ = [
    "KINDS",
    "Kind",
    "SyntheticImage",
    "TimeLapse",
    "Track",
    "filaments",
    "nuclei",
    "phase",
    "synthesize",
    "timelapse",
    "tissue",
    "write_synthetic_dataset",
    "write_synthetic_timelapse",
]
