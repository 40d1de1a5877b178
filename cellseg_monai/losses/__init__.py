"""The losses that MONAI lacks: from logits and target to a number.

For Dice, Dice-focal, Dice-CE and Tversky use MONAI's losses. Its ``DeepSupervisionLoss`` takes any of these.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
