"""From loss to weights: handlers that MONAI's engines do not have.

MONAI's ``ValidationHandler``, ``LrScheduleHandler``, ``EarlyStopHandler``, ``ParamSchedulerHandler``,
``StatsHandler``, ``TensorBoardStatsHandler`` and ``MLFlowHandler`` work together with these handlers.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
