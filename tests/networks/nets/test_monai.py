"""The networks of MONAI that a bundle can name beside ours, and what each of them does not do."""

from monai.networks.nets import UNETR, AttentionUnet, BasicUNetPlusPlus, SwinUNETR, UNet

from tests.networks.contract import NetworkContract, Subject

FIXED_MULTIPLE = "sides must be multiples of 2 to the number of halvings; the concatenation fails"
NORM_REFUSES = "only the normalisation refuses, in words of its own"


class TestAttentionUnet(NetworkContract):
    subject = Subject(
        network=AttentionUnet,
        narrow={"spatial_dims": 2, "channels": (4, 8, 16), "strides": (2, 2)},
        published={"spatial_dims": 2, "channels": (32, 64, 128, 256, 512), "strides": (2, 2, 2, 2)},
        parameters=7_940_321,
        faults={
            "test_any_size": FIXED_MULTIPLE,
            "test_an_image_that_is_too_small_is_refused": "an image of 1 x 1 gives logits of 4 x 4",
        },
    )


class TestUNet(NetworkContract):
    subject = Subject(
        network=UNet,
        narrow={"spatial_dims": 2, "channels": (4, 8, 16), "strides": (2, 2)},
        published={"spatial_dims": 2, "channels": (32, 64, 128, 256, 512), "strides": (2, 2, 2, 2)},
        parameters=2_638_441,
        faults={
            "test_any_size": FIXED_MULTIPLE,
            "test_an_image_that_is_too_small_is_refused": NORM_REFUSES,
        },
    )


class TestBasicUNetPlusPlus(NetworkContract):
    subject = Subject(
        network=BasicUNetPlusPlus,
        narrow={"spatial_dims": 2, "features": (4, 4, 8, 8, 8, 4)},
        published={"spatial_dims": 2, "features": (32, 64, 128, 256, 512, 32)},
        parameters=9_119_332,
        faults={
            "test_backward_reaches_every_parameter": "the heads of deep supervision exist without it",
            "test_an_image_that_is_too_small_is_refused": NORM_REFUSES,
        },
    )

    @staticmethod
    def logits(output):
        return output[-1] if isinstance(output, list | tuple) else output  # a list also of one


class TestUNETR(NetworkContract):
    subject = Subject(
        network=UNETR,
        sides=(32, 32),
        dropout="dropout_rate",
        narrow={
            "spatial_dims": 2,
            "img_size": (32, 32),
            "feature_size": 4,
            "hidden_size": 16,
            "mlp_dim": 32,
            "num_heads": 2,
        },
        published={"spatial_dims": 2, "img_size": (256, 256)},
        parameters=87_727_345,
        faults={
            "test_any_size": "takes the one size that it was built for",
            "test_onnx_agrees_at_every_size": "takes the one size that it was built for",
            "test_backward_reaches_every_parameter": "norms for a cross attention that is never built",
            "test_an_image_that_is_too_small_is_refused": "takes the one size that it was built for",
        },
    )


class TestSwinUNETR(NetworkContract):
    subject = Subject(
        network=SwinUNETR,
        dropout="drop_rate",
        narrow={"spatial_dims": 2, "feature_size": 12, "depths": (1, 1, 1, 1), "num_heads": (1, 2, 2, 4)},
        published={"spatial_dims": 2, "feature_size": 24},
        parameters=6_302_875,
        faults={
            "test_any_size": "sides must be multiples of 32",
            "test_torchscript_agrees[script]": "the patch embedding indexes a third dimension; trace it",
            "test_onnx_agrees_at_every_size": "the windows of the example stay: wrong at other sizes",
            "test_the_published_network_has_its_parameters": "cannot be built on the meta device",
        },
    )
