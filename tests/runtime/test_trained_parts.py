import pytest

from cellseg_monai.instances import ClassMapd, Componentsd, RegrownInteriorsd, WatershedFromDistanced
from cellseg_monai.runtime import require_match
from cellseg_monai.transforms import BinaryTargetd, BoundaryTargetd, ClassTargetd, ForegroundDistanceTargetd

TARGETS = {
    "foreground": BinaryTargetd("label"),
    "foreground_distance": ForegroundDistanceTargetd("label"),
    "interior_boundary": BoundaryTargetd("label"),
    "classes": ClassTargetd("label", {0: 0, 1: 1}),
}
DECODINGS = {
    "foreground": Componentsd("pred"),
    "foreground_distance": WatershedFromDistanced("pred"),
    "interior_boundary": RegrownInteriorsd("pred"),
    "classes": ClassMapd("pred"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("decoding", DECODINGS)
def test_only_those_of_one_name_belong_together(target: str, decoding: str) -> None:
    if target == decoding:
        require_match(TARGETS[target], DECODINGS[decoding])
    else:
        with pytest.raises(ValueError, match="choose a target and a decoding that belong together"):
            require_match(TARGETS[target], DECODINGS[decoding])


def test_what_says_nothing_of_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="decodes None"):
        require_match(TARGETS["foreground"], lambda prediction: prediction)
