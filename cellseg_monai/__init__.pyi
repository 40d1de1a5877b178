from .jobs import calibrate as calibrate
from .jobs import convert as convert
from .jobs import evaluate as evaluate
from .jobs import measure as measure
from .jobs import predict as predict
from .jobs import preview as preview
from .jobs import report as report
from .jobs import review as review
from .jobs import track as track
from .planning.training import train as train

__version__: str
