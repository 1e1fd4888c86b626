"""The epoch scrubber's frames against a network run by hand; what it says about bad input."""

import copy

import numpy as np
import pytest
import torch
from sheets import dots, map_at, texts
from torch import nn

from mnist_course import data, models, probe, runtime
from mnist_course.training import History, Recipe, Snapshots, fit
from mnist_course.widgets import ExplorerError, epoch_scrubber, maps, pixels, scrubber


@pytest.fixture(scope="module")
def trained(few):
    torch.manual_seed(0)
    network = models.lenet5_variant(batch_norm=True)
    snapshots = Snapshots(network)
    recipe = Recipe(epochs=3, batch_size=50, optimizer="adam", learning_rate=0.003)
    return network, snapshots, fit(network, few, recipe, after_epoch=snapshots)


@pytest.fixture
def explorer(trained, few):
    return epoch_scrubber(*trained, few.validation)


def excerpt_of(network, image, layer):
    """The `Excerpt` of a copy of a network at a layer."""
    return scrubber.at_layer(scrubber.excerpts(maps.inspector(network).copy(), image), layer)


def normalised(image):
    return data.normalise(data.scale(image[None]))


def test_snapshots_are_the_weights_before_and_after_each_epoch(few):
    torch.manual_seed(0)
    network = models.lenet5_variant()
    first = copy.deepcopy(network.state_dict())
    snapshots = Snapshots(network)
    fit(network, few, Recipe(epochs=2, batch_size=100), after_epoch=snapshots)
    assert len(snapshots.weights) == 3
    for expected, found in ((first, 0), (network.state_dict(), 2)):
        for name, tensor in snapshots.weights[found].items():
            assert torch.equal(tensor, expected[name])
            assert tensor.data_ptr() != network.state_dict()[name].data_ptr()


@pytest.mark.parametrize("epoch", [0, 2, 3])
def test_an_excerpt_is_what_the_network_does_with_that_epoch_s_weights(trained, few, epoch):
    network, snapshots, _ = trained
    twin = copy.deepcopy(network)
    twin.load_state_dict(snapshots.weights[epoch])
    image = few.validation.images[7]
    excerpt = excerpt_of(twin, image, "4")
    with torch.no_grad():
        batch = normalised(image)
        maps = twin.eval()[:5](batch)[0]
        probabilities = twin(batch).softmax(1)[0]
    np.testing.assert_allclose(excerpt.kernels, twin[4].weight[:, 0].detach().numpy())
    np.testing.assert_allclose(excerpt.maps, maps.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(excerpt.probabilities, probabilities.numpy(), rtol=1e-5)


@pytest.mark.parametrize("epoch", [0, 2, 3])
def test_the_picture_shows_digit_bars_kernels_and_maps(trained, few, epoch):
    """Each part stands in the picture pixel for pixel."""
    network, _, history = trained
    image, label = few.validation.images[7], int(few.validation.labels[7])
    excerpt = excerpt_of(network, image, "0")
    shown = scrubber.scrubber_picture(excerpt, image, label, epoch, history)
    np.testing.assert_array_equal(map_at(shown, 8, 44), pixels.grey(image.numpy() / 255).levels)
    limit = np.abs(excerpt.kernels).max()
    for index in (0, 3, 5):
        kernel = pixels.signed(excerpt.kernels[index], 8, limit)
        np.testing.assert_array_equal(map_at(shown, 8 + 50 * index, 254), kernel.levels)
        maps = pixels.signed(excerpt.maps[index], 3, np.abs(excerpt.maps).max())
        np.testing.assert_array_equal(map_at(shown, 8 + 98 * index, 336), maps.levels)
    bars = [one for one in shown.sheet.items if one["kind"] == "fill"]
    for bar, probability in zip(bars, excerpt.probabilities, strict=True):
        assert abs(bar["height"] - probability * 124) <= 1
    answer = int(excerpt.probabilities.argmax())
    assert f"says {answer} with {excerpt.probabilities[answer]:.1%}" in shown.text
    assert ("which is right" in shown.text) == (answer == label)
    accuracy = history.validation_accuracy[epoch - 1]
    assert (f"{accuracy:.2%}" in shown.text) == (epoch > 0)


def test_the_marker_stands_on_its_epoch(trained, few):
    network, _, history = trained
    excerpt = excerpt_of(network, few.validation.images[0], "0")
    places = [
        dots(scrubber.scrubber_picture(excerpt, few.validation.images[0], 1, e, history), "warning")
        for e in range(4)
    ]
    assert places[0] == []  # before training there is no accuracy yet
    [first], [second], [third] = places[1:]
    assert second[0] - first[0] == pytest.approx(third[0] - second[0], abs=0.2)
    best, worst = (pick((1, 2, 3), key=lambda e: history.validation_accuracy[e - 1])
                   for pick in (max, min))  # fmt: skip
    assert places[best][0][1] <= places[worst][0][1]  # up is more


def test_pointing_at_the_curve_chooses_the_epoch_there(trained, few):
    network, _, history = trained
    excerpt = excerpt_of(network, few.validation.images[0], "0")
    picture = scrubber.scrubber_picture(excerpt, few.validation.images[0], 1, 2, history)
    [region] = picture.sheet.regions
    assert (region["control"], region["columns"]) == ("epoch", 4)
    [(x, _)] = dots(picture, "warning")
    assert x == pytest.approx(region["x"] + 2.5 * region["wide"], abs=0.1)


@pytest.mark.parametrize(
    ("channels", "words"),
    [
        ((1, 16), ("kernels", "feature maps")),
        ((2, 16), ("kernels, input channel 0 of 2", "feature maps")),
        ((200, 300), ("first 16 of 300 kernels, input channel 0 of 200",
                      "first 16 of 300 feature maps")),
    ],
)  # fmt: skip
def test_the_picture_says_what_it_leaves_out(few, channels, words):
    torch.manual_seed(0)
    sources, count = channels
    network = nn.Sequential(
        nn.Conv2d(1, sources, 5, stride=5), nn.Conv2d(sources, count, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(count, 10),
    )  # fmt: skip
    excerpt = excerpt_of(network, few.validation.images[0], "1")
    assert len(excerpt.kernels) == len(excerpt.maps) == 16
    picture = scrubber.scrubber_picture(excerpt, few.validation.images[0], 1, 0, History())
    for caption in words:
        assert caption in texts(picture)
        assert 8 + 7 * len(caption) <= 370  # where the legend begins


@pytest.mark.parametrize("epoch", [-1, 4])
def test_an_epoch_outside_is_named(trained, few, epoch):
    network, _, history = trained
    excerpt = excerpt_of(network, few.validation.images[0], "0")
    with pytest.raises(ExplorerError, match="epoch must be from 0 to 3"):
        scrubber.scrubber_picture(excerpt, few.validation.images[0], 1, epoch, history)


def test_all_frames_are_sent_at_once_and_the_page_turns_them(explorer, monkeypatch):
    assert len(explorer.view.frames) == 4
    for epoch, (frame, text) in enumerate(
        zip(explorer.view.frames, explorer.view.texts, strict=True)
    ):
        expected = explorer.draw(**explorer.settings | {"epoch": epoch})
        assert frame == expected.sheet.encode()
        assert text == expected.text
    now = explorer.settings
    layer = explorer.controls["layer"].index  # of a list the page knows the place
    assert explorer.view.states == [[now["digit"], layer, epoch] for epoch in range(4)]
    assert explorer.view.controls == list(explorer.controls.values())
    monkeypatch.setattr(explorer, "draw", None)  # the kernel draws nothing when the epoch moves
    explorer.controls["epoch"].value = 1
    assert explorer.error is None


def test_another_digit_sends_all_frames_again_and_runs_the_network_once_an_epoch(
    explorer, monkeypatch
):
    before = explorer.view.frames
    calls = []
    original = probe.inspect
    monkeypatch.setattr(probe, "inspect", lambda *given: calls.append(1) or original(*given))
    explorer.controls["digit"].value = 9
    assert len(calls) == 4
    explorer.controls["layer"].value = explorer.controls["layer"].options[1]
    assert len(calls) == 4  # another layer of the same digit is there already
    for old, frame in zip(before, explorer.view.frames, strict=True):
        assert frame != old


def test_scrubbing_changes_nothing_of_the_network(trained, few):
    network, snapshots, history = trained
    network.train()
    before = copy.deepcopy(network.state_dict())
    explorer = epoch_scrubber(network, snapshots, history, few.validation)
    explorer.controls["digit"].value = 3
    assert network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
    assert all(not layer._forward_hooks for layer in network.modules())


def nan_weights(network):
    with torch.no_grad():
        network[0].weight.fill_(float("nan"))
    return network


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda network, image: (network, image[:20], "0"), "28 × 28"),
        (lambda network, image: (network, image, "99"), "no convolution '99'"),
        (lambda network, image: (nan_weights(copy.deepcopy(network)), image, "0"), "NaN"),
        (lambda network, image: (models.softmax_regression(), image, "0"), "no convolution"),
    ],
)
def test_bad_input_gets_a_sentence(trained, few, change, sentence):
    with pytest.raises(runtime.CourseError, match=sentence):
        excerpt_of(*change(trained[0], few.validation.images[0]))


def of(network):
    """What a training without an epoch leaves."""
    return network, Snapshots(network), History()


def pair(few):
    class Pair(nn.Conv2d):
        def forward(self, images):
            return super().forward(images).flatten(1), images

    return of(Pair(1, 10, 28))


def emptied(few):
    network, snapshots, history = of(models.lenet5())
    snapshots.weights = []
    return network, snapshots, history


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda few: of(models.softmax_regression()), "no convolution"),
        (lambda few: of(nn.Sequential(nn.Conv2d(3, 10, 28), nn.Flatten())), "can't take images"),
        (pair, "nothing else"),
        (lambda few: of(nan_weights(models.lenet5())), "NaN"),
        (emptied, "these snapshots are empty"),
        (lambda few: (None, *of(models.lenet5())[1:]), "got NoneType"),
        (lambda few: (models.softmax_regression(), *of(models.lenet5())[1:]), "no convolution"),
        (lambda few: (models.residual_network(), *of(models.lenet5())[1:]), "built in another way"),
        (lambda few: (models.lenet5(), History(), Snapshots(models.lenet5())), "in this order"),
        (lambda few: (models.lenet5(), [], History()), "got list and History"),
        (lambda few: of(nn.Sequential(nn.Conv2d(1, 3, 28), nn.Flatten())), "label must be from"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(few, make, sentence):
    network, snapshots, history = make(few)
    eights = few.validation[few.validation.labels == 8]
    try:
        problem = str(epoch_scrubber(network, snapshots, history, eights).error)
    except runtime.CourseError as error:
        problem = str(error)
    assert sentence in problem


def test_a_snapshot_with_nan_is_told_although_the_network_has_none(trained, few):
    network, snapshots, history = trained
    spoilt = copy.deepcopy(snapshots)
    spoilt.weights[1]["0.weight"][:] = float("nan")
    explorer = epoch_scrubber(network, spoilt, history, few.validation)
    assert "a snapshot holds weights that are no numbers" in str(explorer.error)


def test_the_pictures_of_another_digit_carry_its_state(explorer):
    explorer.controls["epoch"].value = 1
    explorer.controls["digit"].value = 5
    assert explorer.view.states == [[5, 0, epoch] for epoch in range(4)]


@pytest.mark.parametrize("change", [nn.Module.double, torch.compile])
def test_networks_of_other_kinds_are_shown(few, change):
    torch.manual_seed(0)
    plain = models.lenet5()
    with torch.no_grad():
        expected = plain(normalised(few.validation.images[0])).softmax(1)[0]
    explorer = epoch_scrubber(*of(change(plain)), few.validation)
    assert f"says {int(expected.argmax())} with {expected.max():.1%}" in explorer.picture.text


def test_images_are_normalised_as_the_recipe_says(few):
    torch.manual_seed(0)
    network = models.lenet5()
    with torch.no_grad():
        expected = network((data.scale(few.validation.images[:1]) - 0.5) / 0.5).softmax(1)[0]
    explorer = epoch_scrubber(*of(network), few.validation, normalisation=(0.5, 0.5))
    assert f"says {int(expected.argmax())} with {expected.max():.1%}" in explorer.picture.text


def test_a_training_interrupted_before_its_last_snapshot_is_shown(few):
    torch.manual_seed(0)
    network = models.lenet5_variant()
    snapshots = Snapshots(network)

    def interrupted(epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        snapshots(epoch)

    history = fit(network, few, Recipe(epochs=3, batch_size=50), after_epoch=interrupted)
    assert (len(snapshots.weights), len(history)) == (2, 2)
    explorer = epoch_scrubber(network, snapshots, history, few.validation)
    assert explorer.error is None
    history.stopped = "Stopped early after epoch 2: no better …"  # then none can be missing
    other = epoch_scrubber(network, snapshots, history, few.validation)
    assert "give both of the same call of fit" in other.problem.value


def test_snapshots_of_another_training_are_told(trained, few):
    network, snapshots, _ = trained
    explorer = epoch_scrubber(network, snapshots, History(), few.validation)
    assert "give both of the same call of fit" in explorer.problem.value


def test_digits_without_labels_are_told(trained, few):
    with pytest.raises(ExplorerError, match="images with their labels"):
        epoch_scrubber(*trained, few.validation.images)
