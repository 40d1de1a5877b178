import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellseg_monai.transforms import elastic_displacement, warp


def jacobian_determinant(displacement):
    """Of the map p → p + u(p), by differences between neighbouring pixels."""
    batch, axes, *shape = displacement.shape
    assert axes == len(shape)
    inner = tuple(slice(0, length - 1) for length in shape)
    columns = [torch.diff(displacement, dim=2 + axis)[(..., *inner)] for axis in range(axes)]
    columns = [
        column[tuple(slice(0, length - 1) for length in (batch + 1, axes + 1, *shape))] for column in columns
    ]
    gradient = torch.stack(columns, dim=2).movedim((1, 2), (-2, -1))
    return torch.linalg.det(gradient.double() + torch.eye(axes))


class TestDisplacement:
    @settings(max_examples=60)
    @given(
        st.floats(0, 1e4),
        st.integers(2, 6),
        st.integers(20, 60),
        st.integers(20, 60),
        st.integers(0, 1000),
    )
    def test_never_folds(self, sigma, points, width, height, seed):
        control = np.random.default_rng(seed).normal(0, sigma, (2, 2, points, points))
        displacement = elastic_displacement(control, (width, height))
        assert jacobian_determinant(displacement).min() > 0
        for axis in range(2):  # one to one: each row and each column of pixels keeps its order
            assert (1 + torch.diff(displacement[:, axis], dim=1 + axis)).min() > 0

    def test_never_folds_in_volumes(self):
        control = np.random.default_rng(0).normal(0, 100, (3, 3, 4, 4, 4))
        assert jacobian_determinant(elastic_displacement(control, (20, 24, 28))).min() > 0

    def test_unbounded_it_would_fold(self):
        """The bound is needed, and it is not far from the need."""
        control = np.random.default_rng(0).normal(0, 30, (1, 2, 3, 3))
        bounded = elastic_displacement(control, (64, 64))
        scale = bounded.abs().max() / elastic_displacement(control / 100, (64, 64)).abs().max() / 100
        assert scale < 1
        assert jacobian_determinant(bounded / scale).min() < 0
        assert jacobian_determinant(bounded * 2.5).min() < 0

    def test_published_amplitude_is_left_alone_where_it_does_not_fold(self):
        control = np.random.default_rng(0).normal(0, 10, (20, 2, 3, 3))
        whole = elastic_displacement(control, (256, 256))
        torch.testing.assert_close(whole, 10 * elastic_displacement(control / 10, (256, 256)))
        assert 5 < whole.std() < 12

    def test_each_sample_is_bounded_by_itself(self):
        gentle, wild = (np.random.default_rng(0).normal(0, sigma, (1, 2, 3, 3)) for sigma in (1, 99))
        together = elastic_displacement(np.concatenate([gentle, wild]), (64, 64))
        torch.testing.assert_close(together[:1], elastic_displacement(gentle, (64, 64)))

    def test_splines_run_through_the_control_points(self):
        control = np.zeros((1, 2, 3, 3))
        control[0, 0, 1, 1] = 8  # the middle point, along the first axis
        field = elastic_displacement(control, (101, 201))[0]
        assert field[0, 50, 100].item() == pytest.approx(8, abs=1e-3)
        assert field[0].abs().max() == field[0, 50, 100]
        assert field[0, 0].abs().max() < 0.2
        assert (field[1] == 0).all()

    def test_a_linear_field_stays_linear(self):
        slope = np.broadcast_to(np.array([0.0, 5.0, 10.0])[:, None], (3, 3))
        control = np.stack([slope, np.zeros((3, 3))])[None]
        field = elastic_displacement(control, (100, 50))[0, 0]
        torch.testing.assert_close(torch.diff(field, dim=0), torch.full((99, 50), 0.1))

    def test_axis_too_short(self):
        with pytest.raises(ValueError, match="7 pixels is too short for 3 control points, which need 8"):
            elastic_displacement(np.zeros((1, 2, 3, 3)), (64, 7))

    @pytest.mark.parametrize("shape", [(1, 2, 3), (1, 3, 3, 3), (1, 2, 3, 3, 3)])
    def test_shapes_that_do_not_fit(self, shape):
        with pytest.raises(ValueError, match=r"they need the shape \(batch, 2, points, points\)"):
            elastic_displacement(np.zeros(shape), (64, 64))


class TestWarp:
    @staticmethod
    def shifted(shape, *shift):
        return (
            torch.tensor(shift, dtype=torch.float32).reshape(1, -1, *(1,) * len(shape)).expand(1, -1, *shape)
        )

    @pytest.mark.parametrize("mode", ["bilinear", "bicubic", "nearest"])
    @pytest.mark.parametrize(
        ("padding_mode", "expected"),
        [("zeros", [3, 4, 0, 0]), ("border", [3, 4, 4, 4]), ("reflection", [3, 4, 4, 3])],
    )
    def test_padding(self, mode, padding_mode, expected):
        image = torch.tensor([1.0, 2, 3, 4]).expand(1, 1, 4, 4)
        warped = warp(image, self.shifted((4, 4), 0, 2), mode, padding_mode)
        torch.testing.assert_close(warped[0, 0, 1], torch.tensor(expected, dtype=torch.float32))

    def test_first_axis_is_the_first(self):
        image = torch.arange(12.0).reshape(1, 1, 3, 4)
        for mode in ("bilinear", "nearest"):
            moved = warp(image, self.shifted((3, 4), 1, 0), mode, "border")
            torch.testing.assert_close(moved[0, 0, :2], image[0, 0, 1:])

    def test_half_a_pixel(self):
        image = torch.tensor([[0, 10, 20]]).expand(1, 1, 3, 3)
        halfway = warp(image, self.shifted((3, 3), 0, 0.5), "bilinear", "border")
        assert halfway.dtype == torch.float32
        torch.testing.assert_close(halfway[0, 0, 0], torch.tensor([5.0, 15, 20]))

    @pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
    @pytest.mark.parametrize("shape", [(9, 14), (5, 6, 7)], ids=["plane", "volume"])
    def test_nearest_equals_grid_sample_on_small_ids(self, padding_mode, shape):
        generator = torch.Generator().manual_seed(0)
        ids = torch.randint(0, 100, (2, 3, *shape), generator=generator)
        displacement = torch.randn(2, len(shape), *shape, generator=generator) * 10
        pixels = torch.stack(torch.meshgrid(*map(torch.arange, shape), indexing="ij"))
        sizes = torch.tensor(shape).reshape(-1, *(1,) * len(shape))
        grid = ((2 * (pixels + displacement) + 1) / sizes - 1).flip(1).movedim(1, -1)
        expected = torch.nn.functional.grid_sample(ids.float(), grid, "nearest", padding_mode, False)
        assert warp(ids, displacement, "nearest", padding_mode).tolist() == expected.long().tolist()

    @pytest.mark.parametrize(
        "dtype", [torch.bool, torch.uint8, torch.uint16, torch.int32, torch.int64, torch.float32]
    )
    def test_nearest_keeps_every_dtype(self, dtype):
        ids = torch.ones(1, 1, 8, 8).to(dtype)
        warped = warp(ids, torch.randn(1, 2, 8, 8), "nearest", "reflection")
        assert warped.dtype == dtype
        assert (warped == ids).all()

    def test_ids_beyond_float32(self):
        ids = torch.arange(16_777_217, 16_777_217 + 64, dtype=torch.int32).reshape(1, 1, 8, 8)
        assert (warp(ids, torch.zeros(1, 2, 8, 8), "nearest") == ids).all()

    @pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
    def test_fractions_keep_their_dtype(self, dtype):
        image = torch.rand(1, 1, 8, 8).to(dtype)
        warped = warp(image, torch.zeros(1, 2, 8, 8))
        assert warped.dtype == dtype
        torch.testing.assert_close(warped, image, atol=1e-5, rtol=1e-3)

    @pytest.mark.parametrize(
        ("mode", "padding_mode", "axes", "message"),
        [
            ("linear", "zeros", 2, "mode must be one of bilinear, bicubic, nearest, not 'linear'"),
            ("nearest", "reflect", 2, "padding_mode must be one of reflection, border, zeros, not 'reflect'"),
            ("bicubic", "zeros", 3, "'bicubic' works only for images"),
        ],
    )
    def test_unknown_modes(self, mode, padding_mode, axes, message):
        shape = (4,) * axes
        with pytest.raises(ValueError, match=message):
            warp(torch.zeros(1, 1, *shape), torch.zeros(1, axes, *shape), mode, padding_mode)
