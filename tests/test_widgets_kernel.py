"""The kernel lab draws what torch computes, and says why where it can't."""

import ipywidgets
import numpy as np
import pytest
import torch
from sheets import frames, map_at, shows
from torch.nn import functional as F

from mnist_course import data
from mnist_course.widgets import Explorer, ExplorerError, kernel, kernel_lab, pixels

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randint(0, 256, (12, 28, 28), dtype=torch.uint8, generator=GENERATOR)
PART = data.Part(IMAGES, torch.arange(12) % 10)
EDGES = kernel.PRESETS["Sobel, vertical edges"]
LOWEST, HIGHEST = [-kernel.LIMIT] * 9, [kernel.LIMIT] * 9
MIXED = [-5, 0.25, 5, 1.5, -2.75, 0, 3, -0.01, 0.01]


def torchs(image, weights, stride, padding, dilation):
    table = torch.tensor(weights, dtype=torch.float64).reshape(1, 1, 3, 3)
    bytes_as_float = image[None, None].float().double() / 255
    return F.conv2d(bytes_as_float, table, None, stride, padding, dilation)[0, 0].numpy()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize(
    "weights", [EDGES, LOWEST, HIGHEST, MIXED], ids="edge low high mix".split()
)
def test_the_output_has_the_colours_of_torchs_answer(stride, padding, dilation, weights):
    expected = torchs(IMAGES[0], weights, stride, padding, dilation)
    picture = kernel.kernel_picture(IMAGES[0], weights, stride, padding, dilation)
    shown = map_at(picture, *kernel.OUTPUT).astype(int)
    assert np.abs(shown - pixels.signed(expected).levels).max() <= 1  # one step of the colours
    assert f"output has {expected.shape[0]} × {expected.shape[1]} numbers" in picture.text
    assert pixels.number(expected.max()) in picture.text


@pytest.mark.parametrize("position", [0, 60, 143])
def test_the_sum_of_a_window_is_torchs_number(position):
    expected = torchs(IMAGES[3], MIXED, 2, 1, 2).flatten()
    assert expected.size == 13 * 13
    picture = kernel.kernel_picture(IMAGES[3], MIXED, 2, 1, 2, position)
    assert f" = {pixels.number(expected[position])}, becomes the output's number" in picture.text
    row, column = divmod(position, 13)
    assert f"row {row}, column {column}" in picture.text


def test_a_window_worked_out_by_hand():
    image = np.zeros((28, 28), np.uint8)
    image[0, :3] = (255, 51, 0)  # 1, 0.2, 0
    picture = kernel.kernel_picture(image, [2, -1, 0, 0, 0, 0, 0, 0, 0])
    assert "the sum of the products, 1.00·2.00 + 0.20·(−1.00) = 1.80, becomes" in picture.text


@pytest.mark.parametrize(
    ("settings", "size"),
    [((1, 0, 1), 26), ((1, 1, 1), 28), ((2, 1, 1), 14), ((3, 3, 1), 11), ((1, 0, 2), 24),
     ((3, 3, 2), 10)],
)  # fmt: skip
def test_the_size_formula_is_torchs(settings, size):
    stride, padding, dilation = settings
    assert kernel.size_formula(28, *settings)[0] == size
    assert torchs(IMAGES[0], EDGES, stride, padding, dilation).shape == (size, size)
    assert kernel.size_formula(28, *settings)[1].endswith(f"→ {size}")


def test_the_input_is_drawn_with_its_padding():
    picture = kernel.kernel_picture(IMAGES[1], EDGES, 1, 2, 1, position=500)
    x, y = (place + 2 * kernel.SCALE for place in kernel.INPUT)
    np.testing.assert_array_equal(map_at(picture, x, y), pixels.grey(IMAGES[1] / 255).levels)
    row, column = divmod(500, 30)
    place = (kernel.INPUT[0] + column * kernel.SCALE, kernel.INPUT[1] + row * kernel.SCALE)
    assert (*place, 3 * kernel.SCALE, 3 * kernel.SCALE) in frames(picture)


@pytest.mark.parametrize("settings", [(1, 0, 1), (2, 3, 1), (3, 1, 2)])
def test_pointing_at_the_input_or_the_output_chooses_the_window_there(settings):
    picture = kernel.kernel_picture(IMAGES[0], EDGES, *settings)
    stride, padding, dilation = settings
    size = kernel.size_formula(28, *settings)[0]
    on_input, on_output = (one for one in picture.sheet.regions if one["kind"] == "point")
    for region in (on_input, on_output):
        assert (region["rows"], region["columns"], region["control"]) == (size, size, "position")
    for number in (0, size - 1):  # the middle of a window's square is the window's middle
        middle = on_input["x"] + (number + 0.5) * on_input["wide"]
        span = (2 * dilation + 1) * kernel.SCALE
        assert middle == kernel.INPUT[0] + number * stride * kernel.SCALE + span / 2


def test_negative_answers_carry_a_bar():
    image = np.zeros((28, 28), np.uint8)
    image[10:20, 10:20] = 255
    x, y = kernel.OUTPUT
    scale = kernel.SCALE
    picture = kernel.kernel_picture(image, EDGES).pixels

    def square(row, column):
        top, left = y + row * scale, x + column * scale
        return picture[top : top + scale, left : left + scale].reshape(-1, 3)

    assert len(np.unique(square(14, 19), axis=0)) == 2  # ink ends: below 0
    assert len(np.unique(square(14, 9), axis=0)) == 1  # ink begins: above 0
    assert len(np.unique(square(2, 2), axis=0)) == 1  # nothing there


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image": np.zeros((27, 28), np.uint8)}, r"28 × 28 pixels, got the shape \(27, 28\)"),
        ({"image": np.zeros((28, 28), np.float32)}, "bytes"),
        ({"kernel": [1.0] * 8}, "nine weights"),
        ({"kernel": [float("nan")] * 9}, "nine weights"),
        ({"stride": 0}, "stride must be from 1 to 3"),
        ({"stride": 4}, "stride must be from 1 to 3"),
        ({"padding": -1}, "padding must be from 0 to 3"),
        ({"padding": 4}, "padding must be from 0 to 3"),
        ({"dilation": 0}, "dilation must be from 1 to 2"),
        ({"dilation": 3}, "dilation must be from 1 to 2"),
        ({"position": -1}, "position must be from 0 to 675"),
        ({"position": 676}, "position must be from 0 to 675"),
    ],
)
def test_what_does_not_work_is_a_sentence(change, sentence):
    with pytest.raises(ExplorerError, match=sentence):
        kernel.kernel_picture(**{"image": IMAGES[0], "kernel": EDGES, **change})


# --- the controls -------------------------------------------------------------------------


@pytest.fixture
def lab():
    return kernel_lab(PART)


@pytest.mark.parametrize(
    ("name", "values"),
    [("digit", (0, 6, 11)), ("stride", (1, 2, 3)), ("padding", (0, 2, 3)), ("dilation", (1, 2)),
     ("position", (0, 300, 675)), ("kernel", (LOWEST, MIXED, HIGHEST))],
)  # fmt: skip
def test_every_control_leads_to_the_picture_of_the_pure_function(lab, name, values):
    for value in values:
        lab.controls[name].value = value
        now = lab.settings
        expected = kernel.kernel_picture(
            IMAGES[now["digit"]], now["kernel"], now["stride"], now["padding"],
            now["dilation"], now["position"],
        )  # fmt: skip
        assert shows(lab, expected)
        assert lab.error is None


@pytest.mark.parametrize("name", kernel.PRESETS)
def test_a_preset_sets_nine_weights_in_one_picture(lab, name):
    pictures = []
    lab.view.observe(pictures.append, "frames")
    lab.preset.value = name
    assert lab.controls["kernel"].value == list(kernel.PRESETS[name])
    assert len(pictures) == (name != "Sobel, vertical edges")
    assert lab.preset.value == name


def test_a_changed_weight_makes_the_kernel_your_own_and_back(lab):
    lab.controls["kernel"].value = [-1, 0.5, 1, -2, 0, 2, -1, 0, 1]
    assert lab.preset.value is None
    lab.controls["kernel"].value = list(EDGES)
    assert lab.preset.value == "Sobel, vertical edges"


def test_the_window_stays_at_its_place_when_the_output_changes_its_size(lab):
    position = lab.controls["position"]
    position.value = 675  # the last of 26 × 26
    lab.controls["stride"].value = 3
    assert position.value == position.max == 8 * 9 + 8
    lab.controls["stride"].value = 1
    assert (position.value, position.max) == (23 * 26 + 23, 675)
    lab.controls["padding"].value = 3
    assert (position.value, position.max) == (28 * 32 + 28, 32 * 32 - 1)
    assert lab.error is None


def test_a_weight_that_is_no_number_is_told_and_mended(lab):
    lab.controls["kernel"].value = [float("nan"), *EDGES[1:]]
    assert "nine weights" in lab.problem.value
    lab.controls["kernel"].value = list(EDGES)
    assert lab.error is None


def test_presets_are_what_their_names_say():
    image = IMAGES[0][None, None].float()
    table = {
        name: torch.tensor(values, dtype=torch.float32).reshape(1, 1, 3, 3)
        for name, values in kernel.PRESETS.items()
    }
    inner = image[..., 1:-1, 1:-1]
    assert torch.equal(F.conv2d(image, table["identity"]), inner)
    assert torch.equal(F.conv2d(image, table["shift right"]), image[..., 1:-1, :-2])
    assert torch.allclose(F.conv2d(image, table["blur"]), F.avg_pool2d(image, 3, 1), atol=1e-3)
    sharper = inner - F.conv2d(image, table["Laplacian"])
    assert torch.equal(F.conv2d(image, table["sharpen"]), sharper)
    sobel = table["Sobel, vertical edges"]
    assert torch.equal(table["Sobel, horizontal edges"], sobel.mT)
    assert {name for name in table if float(table[name].sum()) == 0} == {
        "Sobel, vertical edges", "Sobel, horizontal edges", "Laplacian",
    }  # fmt: skip
    assert float(table["emboss"].sum()) == 1


def test_every_control_has_a_label_and_a_range_of_its_own(lab):
    assert isinstance(lab, Explorer)
    sliders = [one for name, one in lab.controls.items() if name != "kernel"]
    assert len({one.description for one in sliders}) == 5
    assert all(isinstance(one, ipywidgets.IntSlider) for one in sliders)
    [edited] = [one for one in lab.picture.sheet.regions if one["kind"] == "edit"]
    assert edited["labels"] == list(kernel.PLACES)
    assert edited["limit"] == lab.controls["kernel"].max == -lab.controls["kernel"].min
    assert lab.controls["digit"].max == len(PART) - 1


def test_images_without_labels_are_a_sentence():
    with pytest.raises(ExplorerError, match="images with their labels.*got Tensor"):
        kernel_lab(IMAGES)
