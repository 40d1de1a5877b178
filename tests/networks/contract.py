"""What every network promises: subclass :class:`NetworkContract` and say what its subject is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

ODD_SIDES = (75, 90)


@dataclass(frozen=True)
class Subject:
    """A network and what is particular to it.

    Attributes:
        network: the class.
        narrow: arguments of a small one, quick to run.
        published: arguments of the one in the publication, three channels in and one out.
        parameters: how many parameters that one has.
        sides: a size that it takes.
        dropout: its name for the dropout.
        dynamo: export to ONNX by torch.export, the default of torch, rather than by the older exporter, which
            takes a tenth of the time; once for each class of ours.
        faults: what is known not to work, by the name of the test, with the reason. A fault that was mended
            fails the test until its line is removed.
    """

    network: Callable[..., nn.Module]
    narrow: Mapping[str, Any]
    published: Mapping[str, Any]
    parameters: int
    sides: tuple[int, int] = (64, 96)
    dropout: str = "dropout"
    dynamo: bool = False
    faults: Mapping[str, str] = field(default_factory=dict)


class NetworkContract:
    """Tests that pytest runs for each subclass."""

    subject: ClassVar[Subject]

    @staticmethod
    def logits(output: Any) -> torch.Tensor:
        """The logits in what the network returns."""
        return output

    def build(self, in_channels: int = 1, out_channels: int = 1, **changes: Any) -> nn.Module:
        torch.manual_seed(0)
        options = {"in_channels": in_channels, "out_channels": out_channels, **self.subject.narrow, **changes}
        return self.subject.network(**options)

    def image(self, channels: int = 1, batch: int = 2, sides: tuple[int, int] | None = None) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return torch.rand(batch, channels, *(sides or self.subject.sides), generator=generator)

    @pytest.fixture(autouse=True)
    def expect_known_faults(self, request: pytest.FixtureRequest) -> None:
        reason = self.subject.faults.get(request.node.name) or self.subject.faults.get(
            request.node.originalname
        )
        if reason:
            request.applymarker(pytest.mark.xfail(reason=reason, strict=True))

    @pytest.mark.parametrize("in_channels", [1, 3])
    @pytest.mark.parametrize("out_channels", [1, 4])
    def test_logits_have_the_size_of_the_image(self, in_channels, out_channels):
        network = self.build(in_channels, out_channels)
        logits = self.logits(network(self.image(in_channels)))
        assert logits.shape == (2, out_channels, *self.subject.sides)

    def test_any_size(self):
        network = self.build().eval()
        assert self.logits(network(self.image(sides=ODD_SIDES))).shape == (2, 1, *ODD_SIDES)

    def test_an_image_that_is_too_small_is_refused(self):
        with pytest.raises(ValueError, match=r"\b1 x 1\b|\[1, 1\]"):
            self.build().eval()(self.image(sides=(1, 1)))

    def test_backward_reaches_every_parameter(self):
        """With the running statistics of a batch norm: with those of the batch, its mean takes away any bias
        of the convolution before it, whose gradient is then the rounding error of zero, and at times zero.
        """
        network = self.build(out_channels=3).train()
        for layer in network.modules():
            if isinstance(layer, nn.modules.batchnorm._BatchNorm):
                layer.eval()
        logits = self.logits(network(self.image()))
        nn.functional.cross_entropy(logits, torch.randint(3, (2, *self.subject.sides))).backward()
        unreached = [
            name
            for name, parameter in network.named_parameters()
            if parameter.grad is None or not parameter.grad.isfinite().all() or not parameter.grad.any()
        ]
        assert not unreached

    def test_dropout_has_an_effect_in_training(self):
        image = self.image()
        without, dropping = self.build().train(), self.build(**{self.subject.dropout: 0.5}).train()
        assert torch.equal(self.logits(without(image)), self.logits(without(image)))
        assert not torch.allclose(self.logits(dropping(image)), self.logits(dropping(image)))
        dropping.eval()
        assert torch.equal(self.logits(dropping(image)), self.logits(dropping(image)))

    @pytest.mark.parametrize("how", ["script", "trace"])
    def test_torchscript_agrees(self, how):
        network, image = self.build().eval(), self.image()
        compiled = torch.jit.script(network) if how == "script" else torch.jit.trace(network, image)
        torch.testing.assert_close(
            self.logits(compiled(image)), self.logits(network(image)), atol=1e-5, rtol=1e-5
        )

    def test_onnx_agrees_at_every_size(self, tmp_path):
        network, path = self.build().eval(), tmp_path / "network.onnx"
        if self.subject.dynamo:
            any_size = torch.export.Dim.DYNAMIC
            shapes = {"dynamic_shapes": ({0: any_size, 2: any_size, 3: any_size},)}
        else:
            axes = {0: "batch", 2: "height", 3: "width"}
            shapes = {"input_names": ["image"], "dynamic_axes": {"image": axes}}
        torch.onnx.export(network, (self.image(),), path, dynamo=self.subject.dynamo, verbose=False, **shapes)
        session = onnxruntime.InferenceSession(path)
        for sides in (self.subject.sides, (32, 64)):
            image = self.image(batch=1, sides=sides)
            (exported,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
            np.testing.assert_allclose(exported, self.logits(network(image)).detach(), atol=1e-4, rtol=1e-4)

    def test_weights_load_into_another_of_its_kind(self):
        image, trained, fresh = self.image(), self.build().eval(), self.build().eval()
        with torch.no_grad():
            for parameter in trained.parameters():
                parameter.add_(0.01 * torch.randn_like(parameter))
        assert not torch.equal(self.logits(fresh(image)), self.logits(trained(image)))
        fresh.load_state_dict(trained.state_dict())
        assert torch.equal(self.logits(fresh(image)), self.logits(trained(image)))

    def test_half_precision_is_finite(self):
        network = self.build().train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.logits(network(self.image()))
            logits.float().square().mean().backward()
        assert logits.isfinite().all()
        assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)

    def test_the_published_network_has_its_parameters(self):
        with torch.device("meta"):
            network = self.subject.network(in_channels=3, out_channels=1, **self.subject.published)
        assert sum(parameter.numel() for parameter in network.parameters()) == self.subject.parameters
