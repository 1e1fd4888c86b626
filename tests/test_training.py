"""The loop, recipes, schedules, stopping; against hand-written steps."""

import copy
import math
import traceback
from dataclasses import fields, replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from trainings import AUGMENTED, same, weights

from mnist_course import data, models, records, runtime, training, writeups
from mnist_course.augment import RandomAffine
from mnist_course.names import OPTIMIZERS
from mnist_course.training import Recipe, evaluate, fit, train_epoch


def batches_of(part, size=50):
    return data.Batches(part, size)


# --- the loop -----------------------------------------------------------------------------


def test_train_epoch_is_forward_loss_backward_step(few):
    """Bit for bit what four lines a batch do; gradients left from before play no part."""
    torch.manual_seed(0)
    network = models.lenet5_variant(batch_norm=True)
    for parameter in network.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    network.eval()
    twin = copy.deepcopy(network).train()
    batches = batches_of(few.train[:130])
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    result = train_epoch(network, batches, nn.CrossEntropyLoss(), optimizer)

    optimizer = torch.optim.SGD(twin.parameters(), 0.1, momentum=0.9)
    losses, right = [], 0
    for images, labels in batches:
        logits = twin(images)
        loss = F.cross_entropy(logits, labels)
        twin.zero_grad()
        loss.backward()
        optimizer.step()
        losses += [loss.item()] * len(labels)
        right += sum(row.argmax() == label for row, label in zip(logits, labels, strict=True))
    assert same(weights(network), weights(twin))
    assert result == (pytest.approx(sum(losses) / 130), right / 130)
    assert network.training


def test_evaluate_equals_a_loop_over_images(few):
    torch.manual_seed(0)
    network = models.lenet5_variant(batch_norm=True, dropout=0.5)
    before = weights(network)
    loss, accuracy = evaluate(network, batches_of(few.validation, 30))
    assert same(weights(network), before)
    assert all(parameter.grad is None for parameter in network.parameters())
    losses, right = [], []
    with torch.no_grad():
        for image, label in zip(few.validation.images, few.validation.labels, strict=True):
            logits = network.eval()(data.normalise(data.scale(image[None])))[0]
            losses.append(-math.log(logits.softmax(0)[label]))
            right.append(bool(logits.argmax() == label))
    assert loss == pytest.approx(sum(losses) / 100, rel=1e-5)
    assert accuracy == sum(right) / 100


def test_predict_equals_a_forward_pass(few):
    torch.manual_seed(0)
    network = writeups.network_e(batch_norm=True)
    found = training.predict(network, few.validation, batch_size=30, normalisation=(0.5, 0.5))
    with torch.no_grad():
        expected = network.eval()((data.scale(few.validation.images) - 0.5) / 0.5)
    torch.testing.assert_close(found, expected)
    assert not found.requires_grad
    assert training.predict(nn.Flatten(), few.validation).shape == (100, 784)  # no parameters


def test_eight_digits_are_memorised(few):
    torch.manual_seed(0)
    network = models.lenet5_variant()
    eight = data.Digits(few.train[:8], few.train[:8])
    assert len(set(eight.train.labels.tolist())) > 3
    recipe = Recipe(epochs=30, batch_size=8, optimizer="adam", learning_rate=0.01)
    history = fit(network, eight, recipe)
    assert history.validation_accuracy[-1] == 1
    assert history.validation_loss[-1] < 0.05


def test_an_epoch_runs_on_any_device(few):
    """On the meta device a tensor left on the CPU would fail. Only reading the result does."""
    network = models.residual_network().to("meta")
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    batches = data.Batches(few.train, 64, True, RandomAffine(), device="meta")
    for function, after in ((train_epoch, [nn.CrossEntropyLoss(), optimizer]), (evaluate, [])):
        show = Watching()
        passing = show.watch(batches, 1, 1)
        with pytest.raises((RuntimeError, NotImplementedError)) as caught:
            function(network, passing, *after)
        lines = [
            frame.line for frame in traceback.extract_tb(caught.tb) if "training.py" in frame[0]
        ]
        assert str(lines[-1]).startswith("return float(total_loss)")
        assert show.passed == 4
    states = optimizer.state.values()
    assert {state["momentum_buffer"].device.type for state in states} == {"meta"}


# --- recipes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, "at least 1 epoch"),
        ({"batch_size": 0}, "at least 1 image"),
        ({"optimizer": "sdg"}, "no optimizer 'sdg'; there are sgd, adam, adamw"),
        ({"schedule": "cosine"}, "no schedule 'cosine'; there are constant, one-cycle"),
        ({"learning_rate": 0}, "above 0"),
        ({"learning_rate": math.nan}, "above 0"),
        ({"decay": 0}, "by a factor"),
        ({"decay": 1.5}, "by a factor"),
        ({"decay_every": 0}, "every 1 or more epochs"),
        ({"label_smoothing": 1}, "label smoothing"),
        ({"patience": 0}, "patience is at least 1"),
        ({"final_epochs": -1}, "0 or more final epochs"),
        ({"epochs": 1.5}, "at least 1 epoch, and whole ones; got 1.5"),
        ({"epochs": True}, "at least 1 epoch"),
        ({"epochs": "3"}, "at least 1 epoch.*got '3'"),
        ({"batch_size": 32.0}, "at least 1 image"),
        ({"shuffle": "no"}, "shuffle must be True or False, got 'no'"),
        ({"optimizer": None}, "no optimizer None"),
        ({"optimizer": ["sgd"]}, "no optimizer"),
        ({"learning_rate": math.inf}, "above 0, and finite; got inf"),
        ({"learning_rate": "0.1"}, "above 0"),
        ({"learning_rate": 1j}, "above 0"),
        ({"momentum": -1}, "momentum lies from 0 to below 1, got -1"),
        ({"momentum": 1}, "momentum lies"),
        ({"momentum": math.nan}, "momentum lies"),
        ({"momentum": 0.0, "nesterov": True}, "momentum must be above 0"),
        ({"nesterov": 1}, "nesterov must be True or False, got 1"),
        ({"betas": (2, 3)}, r"betas are two numbers from 0 to below 1, got \(2, 3\)"),
        ({"betas": (0.9, 1)}, "betas are two numbers"),
        ({"betas": (0.9,)}, "betas are two numbers"),
        ({"betas": 0.9}, "betas are two numbers"),
        ({"betas": ("a", "b")}, "betas are two numbers"),
        ({"weight_decay": -0.1}, "weight decay is 0 or more"),
        ({"weight_decay": math.inf}, "weight decay is 0 or more, and finite"),
        ({"schedule": 5}, "no schedule 5"),
        ({"warm_up": 0}, "warm-up is a share of the steps, above 0 and below 1; got 0"),
        ({"warm_up": 1}, "warm-up is a share"),
        ({"warm_up": 2}, "warm-up is a share"),
        ({"warm_up": math.nan}, "warm-up is a share"),
        ({"learning_rate": 10**400}, "the learning rate must be above 0, and finite"),
        ({"decay": math.nan}, "by a factor"),
        ({"decay_every": 2.5}, "every 1 or more epochs"),
        ({"label_smoothing": -0.1}, "label smoothing"),
        ({"label_smoothing": None}, "label smoothing"),
        ({"hardest": 1}, "the hardest are a share of the images, from 0 to below 1; got 1"),
        ({"hardest": -0.1}, "the hardest are a share"),
        ({"others": math.nan}, "the others are a share of the images"),
        ({"hardest": 0.6, "others": 0.5}, "their sum is at most 1; got 0.6 and 0.5"),
        ({"others": 0.1}, "beside the hardest, so set both"),
        ({"augment": 5}, r"augment is None or an augmentation, as RandomAffine\(\); got 5"),
        ({"final_augment": True}, "final_augment is None or an augmentation"),
        ({"final_epochs": 0.5}, "0 or more final epochs"),
        ({"patience": 1.5}, "patience is at least 1 epoch, or None; got 1.5"),
        ({"patience": False}, "patience is at least 1"),
        ({"normalisation": (0.5, 0)}, "a standard deviation above 0; got"),
        ({"normalisation": (0.5, -1)}, "a standard deviation above 0"),
        ({"normalisation": (math.nan, 1)}, "normalisation is a pair"),
        ({"normalisation": 0.5}, "normalisation is a pair"),
        ({"normalisation": (0.1, 0.2, 0.3)}, "normalisation is a pair"),
        ({"channels_last": "yes"}, "channels_last must be True or False"),
        ({"epochs": "x" * 10_000}, "^.{,150}$"),  # a sentence, not a page
    ],
)
def test_a_recipe_that_cannot_work(settings, words):
    with pytest.raises(ValueError, match=words):
        Recipe(**settings)


def test_every_setting_of_a_recipe_is_checked_and_every_default_works():
    assert [name for name, _, _ in records.RULES] == [one.name for one in fields(Recipe)]
    for name, value in vars(Recipe()).items():
        with pytest.raises(ValueError, match="got|no "):
            Recipe(**{name: object() if not callable(value) else 5})


@pytest.mark.parametrize(
    ("recipe", "reference"),
    [
        (Recipe(momentum=0.0), lambda groups: torch.optim.SGD(groups, 0.1)),
        (Recipe(weight_decay=0.1), lambda groups: torch.optim.SGD(groups, 0.1, 0.9)),
        (
            Recipe(nesterov=True, momentum=0.8),
            lambda groups: torch.optim.SGD(groups, 0.1, 0.8, nesterov=True),
        ),
        (
            Recipe(optimizer="adam", learning_rate=0.01, weight_decay=0.1),
            lambda groups: torch.optim.Adam(groups, 0.01),
        ),
        (
            Recipe(optimizer="adamw", learning_rate=0.01, weight_decay=0.1, betas=(0.8, 0.9)),
            lambda groups: torch.optim.AdamW(groups, 0.01, (0.8, 0.9)),
        ),
    ],
)
def test_optimizers_step_as_torchs_do(few, recipe, reference):
    torch.manual_seed(0)
    network = models.residual_network(8)
    twin = copy.deepcopy(network)
    layers = list(twin.modules())
    decayed = [layer.weight for layer in layers if isinstance(layer, nn.Conv2d | nn.Linear)]
    plain = [
        part for layer in layers if isinstance(layer, nn.BatchNorm2d) for part in layer.parameters()
    ]
    plain.append(twin[-1].bias)
    groups = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    for one, optimizer in (
        (network, training.make_optimizer(network, recipe)),
        (twin, reference(groups)),
    ):
        train_epoch(one, batches_of(few.train), nn.CrossEntropyLoss(), optimizer)
    for ours, theirs in zip(network.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_network_without_biases_has_an_optimizer(few, optimizer):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10, bias=False))
    before = weights(network)
    fit(network, few, Recipe(epochs=1, optimizer=optimizer))
    assert not same(weights(network), before)


def one_step(few, **settings):
    """Initial network and history of one epoch that is one batch of all images in their order."""
    torch.manual_seed(0)
    network = models.softmax_regression()
    twin = copy.deepcopy(network)
    history = fit(network, few, Recipe(epochs=1, batch_size=200, **settings))
    return twin, network, history


def test_label_smoothing_and_normalisation_reach_the_loss(few):
    twin, _, history = one_step(few, label_smoothing=0.2, normalisation=(0.5, 0.4))
    images = (data.scale(few.train.images) - 0.5) / 0.4
    logs = F.log_softmax(twin(images), dim=1)
    target = 0.8 * F.one_hot(few.train.labels, 10) + 0.02
    by_hand = -(target * logs).sum(dim=1).mean().item()
    assert history.train_loss[0] == pytest.approx(by_hand, rel=1e-5)


def test_augmentation_reaches_training_and_not_validation(few):
    class Blank(RandomAffine):
        def __call__(self, images, generator=None):
            return images * 0

    twin, network, history = one_step(few, augment=Blank(), normalisation=(0, 1))
    blank = twin(torch.zeros(200, 1, 28, 28))
    expected = F.cross_entropy(blank, few.train.labels).item()
    assert history.train_loss[0] == pytest.approx(expected, rel=1e-5)
    plain = evaluate(network, data.Batches(few.validation, 100, normalisation=(0, 1)))
    assert (history.validation_loss[0], history.validation_accuracy[0]) == pytest.approx(plain)


@pytest.mark.parametrize(("final", "expected"), [(0, "aaa"), (1, "aab"), (2, "abb"), (3, "bbb")])
def test_final_epochs_are_augmented_in_their_own_way(few, monkeypatch, final, expected):
    used = []
    monkeypatch.setattr(
        training, "train_epoch", lambda n, batches, *_: used.append(batches.augment) or (1, 0)
    )
    maps = {"a": RandomAffine(degrees=20), "b": RandomAffine(degrees=5)}
    recipe = Recipe(epochs=3, augment=maps["a"], final_epochs=final, final_augment=maps["b"])
    fit(models.softmax_regression(), few, recipe)
    assert used == [maps[letter] for letter in expected]


@pytest.mark.parametrize("shuffle", [True, False])
def test_images_come_in_a_new_order_unless_the_recipe_says_no(few, monkeypatch, shuffle):
    orders = []
    monkeypatch.setattr(
        training,
        "train_epoch",
        lambda n, batches, *_: orders.append([y for _, y in batches]) or (1, 0),
    )
    fit(models.softmax_regression(), few, Recipe(epochs=2, batch_size=50, shuffle=shuffle))
    stored = list(few.train.labels.split(50))
    assert all(map(torch.equal, orders[0], stored)) != shuffle
    assert all(map(torch.equal, orders[0], orders[1])) != shuffle


def images_learned_from(few, monkeypatch, recipe, seed=0):
    """The images of each epoch, as places in `few.train`; the history; the network."""
    epochs = []

    class Noting(data.Batches):
        def __iter__(self):
            if len(self.part) == 200:  # not the images to validate on
                epochs.append([])
            for batch in super().__iter__():
                if len(self.part) == 200:
                    epochs[-1] += self.indices.tolist()
                yield batch

    monkeypatch.setattr(data, "Batches", Noting)
    torch.manual_seed(0)
    network = models.softmax_regression()
    history = fit(network, few, recipe, seed=seed)
    monkeypatch.undo()
    return epochs, history, network


def test_later_epochs_learn_from_the_hardest_images_and_from_some_others(few, monkeypatch):
    recipe = Recipe(
        epochs=4, batch_size=50, learning_rate=1e-20, hardest=0.25, others=0.1,
        schedule="one-cycle",
    )  # fmt: skip
    epochs, history, network = images_learned_from(few, monkeypatch, recipe)
    losses = F.cross_entropy(
        training.predict(network, few.train), few.train.labels, reduction="none"
    )
    hardest = set(losses.topk(50).indices.tolist())
    assert sorted(epochs[0]) == list(range(200))
    others = []
    for places in epochs[1:]:
        assert len(places) == len(set(places)) == 70
        assert places != sorted(places)
        assert hardest <= set(places)
        others.append(frozenset(places) - hardest)
    assert len(set(others)) == 3  # drawn anew
    assert history.learned_from == recipe.images_each_epoch(200) == [200, 70, 70, 70]
    assert history.images_per_second == pytest.approx(410 / sum(history.seconds))
    # 4 steps, and 2 in each further epoch: the cycle ends with the last one
    assert history.learning_rate[-1] < recipe.learning_rate / 20
    again, _, _ = images_learned_from(few, monkeypatch, recipe)
    other, _, _ = images_learned_from(few, monkeypatch, recipe, seed=1)
    assert again == epochs
    assert [set(places) for places in other] != [set(places) for places in epochs]


def test_what_an_image_cost_is_mostly_what_it_cost_lately():
    part = data.Part(torch.zeros(3, 28, 28, dtype=torch.uint8), torch.tensor([0, 1, 2]))
    batches = data.Batches(part, 2)
    loss = training.HardestImages(batches, Recipe(hardest=0.3, others=0.3), seed=0)
    logits = torch.zeros(2, 10)
    for images, labels in batches:
        mean = loss(logits[: len(images)], labels)
        assert mean == pytest.approx(math.log(10))
    batches.chosen = torch.tensor([2, 0])
    for _, labels in batches:
        logits[0, 2] = 30  # image 2 is easy now
        loss(logits, labels)
    assert loss.costs.tolist() == pytest.approx([math.log(10), math.log(10), math.log(10) / 2])
    assert loss.choose(2).tolist() in ([0, 1], [0, 2])


@pytest.mark.parametrize("hardest", [0.57, 0.2, 1 / 3, 0.999])
@pytest.mark.parametrize("count", [1, 3, 100, 55_000])
def test_an_epoch_learns_from_at_least_one_image_and_at_most_all(hardest, count):
    for others in (0, 1 - hardest):
        [first, later] = Recipe(epochs=2, hardest=hardest, others=others).images_each_epoch(count)
        assert first == count
        assert 1 <= later <= count
        assert later >= count * hardest


def test_channels_last_is_a_layout_and_no_other_result(few):
    runs = []
    for channels_last in (False, True):
        torch.manual_seed(0)
        network = models.residual_network(16)
        recipe = Recipe(epochs=1, learning_rate=0.01, channels_last=channels_last)
        runs.append(fit(network, few, recipe).train_loss[0])
        layout = network[4].conv1.weight.is_contiguous(memory_format=torch.channels_last)
        assert layout == channels_last
    assert runs[0] == pytest.approx(runs[1], rel=1e-4)


@pytest.mark.parametrize(
    ("capability", "channels", "channels_last"),
    [("AVX2", 7, False), ("AVX2", 8, True), ("AVX512", 15, False), ("AVX512", 16, True)],
)
def test_a_narrow_network_keeps_the_layout_in_which_torch_does_not_crash(
    capability, channels, channels_last, few, monkeypatch
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    network = models.residual_network(channels)
    monkeypatch.setattr(training, "train_epoch", lambda *_: (0.0, 0.0))  # it might crash here
    fit(network, few, Recipe(epochs=1, channels_last=True))
    layout = network[4].conv1.weight.is_contiguous(memory_format=torch.channels_last)
    assert layout == channels_last


# --- learning rates -----------------------------------------------------------------------


def rates(few, monkeypatch, **settings):
    """The learning rate of every step of six epochs of four steps, and the history."""
    used = []

    def make_optimizer(network, recipe, make=training.make_optimizer):
        optimizer = make(network, recipe)
        optimizer.register_step_pre_hook(
            lambda *_: used.append([group["lr"] for group in optimizer.param_groups])
        )
        return optimizer

    monkeypatch.setattr(training, "make_optimizer", make_optimizer)
    history = fit(models.softmax_regression(), few, Recipe(epochs=6, batch_size=50, **settings))
    assert all(one == two for one, two in used)  # both groups of parameters
    return [one for one, _ in used], history


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"schedule": "constant"}, [0.1] * 6),
        ({"schedule": "exponential", "decay": 0.7}, [0.1 * 0.7**epoch for epoch in range(6)]),
        (
            {"schedule": "step", "decay": 0.1, "decay_every": 2},
            [0.1] * 2 + [0.01] * 2 + [0.001] * 2,
        ),
    ],
)
def test_rates_of_epochs(few, monkeypatch, optimizer, settings, expected):
    used, history = rates(few, monkeypatch, optimizer=optimizer, learning_rate=0.1, **settings)
    assert used == pytest.approx([rate for rate in expected for _ in range(4)])
    assert history.learning_rate == pytest.approx(expected)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_one_cycle_is_two_half_cosines(few, monkeypatch, optimizer):
    used, history = rates(
        few, monkeypatch, optimizer=optimizer, schedule="one-cycle", learning_rate=0.5, warm_up=0.25
    )
    peak = 0.25 * 24 - 1  # the step of the peak, counted from 0

    def expected(step):
        if step <= peak:
            low, share = 0.5 / 25, step / peak
        else:
            low, share = 0.5 / 25 / 1e4, 1 - (step - peak) / (23 - peak)
        return low + (0.5 - low) * (1 - math.cos(math.pi * share)) / 2

    assert used == pytest.approx([expected(step) for step in range(24)], rel=1e-6, abs=1e-9)
    assert max(used) == used[5] == pytest.approx(0.5)
    # at the end of an epoch stands the rate of the next step
    assert history.learning_rate[:-1] == pytest.approx(used[4::4])
    assert history.learning_rate[-1] < 0.5 / 100


@pytest.mark.parametrize(("epochs", "warm_up"), [(1, 0.25), (2, 0.125), (5, 0.05)])
def test_one_cycle_may_begin_at_its_peak(few, epochs, warm_up):
    """Where the warm-up is just one step, which torch's schedule divides by."""
    recipe = Recipe(epochs=epochs, batch_size=50, schedule="one-cycle", warm_up=warm_up)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], recipe.learning_rate)
    schedule, _ = training.make_schedules(optimizer, recipe, steps=4 * epochs)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(recipe.learning_rate)
    used = []
    for _ in range(4 * epochs):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert used == sorted(used, reverse=True)
    assert used[-1] < recipe.learning_rate / 1000


def scripted(monkeypatch, accuracies):
    """Let validation find these accuracies, one an epoch."""
    remaining = iter(accuracies)
    monkeypatch.setattr(training, "evaluate", lambda network, batches: (1.0, next(remaining)))


def test_a_plateau_lowers_the_rate(few, monkeypatch):
    """After the third epoch in a row without a better accuracy than the best one."""
    accuracies = [0.5, 0.6, 0.6, 0.55, 0.6, 0.61, 0.6, 0.6, 0.6, 0.6]
    scripted(monkeypatch, accuracies)
    recipe = Recipe(epochs=10, schedule="plateau", learning_rate=0.8, decay=0.5)
    history = fit(models.softmax_regression(), few, recipe)
    assert history.learning_rate == pytest.approx([0.8] * 5 + [0.4] * 4 + [0.2])


@pytest.mark.parametrize(
    ("patience", "accuracies", "last"),
    [
        (3, [0.5, 0.6, 0.55, 0.6, 0.59, 0.9], 5),  # an equal accuracy is no better one
        (1, [0.5, 0.4, 0.9], 2),
        (2, [0.5, 0.4, 0.6, 0.5, 0.7, 0.1, 0.2, 0.9], 7),
        (2, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], None),
        (None, [0.5, 0.4, 0.3, 0.2, 0.1, 0.0], None),
    ],
)
def test_early_stopping(few, monkeypatch, patience, accuracies, last):
    scripted(monkeypatch, accuracies)
    recipe = Recipe(epochs=len(accuracies), patience=patience)
    history = fit(models.softmax_regression(), few, recipe)
    assert history.validation_accuracy == accuracies[:last]
    if last is None:
        assert history.stopped == ""
    else:
        assert history.stopped.startswith(f"Stopped early after epoch {last}:")
        assert f"for {patience} epochs" in history.stopped


# --- fit: what it keeps and how it ends -----------------------------------------------------


class Watching(training.Silent):
    """Writes down what `fit` shows; raises `error` at a place, in the second epoch."""

    def __init__(self, place=None, error=KeyboardInterrupt):
        self.place, self.error = place, error
        self.passed = 0
        self.epochs: list[tuple] = []
        self.updates: list[int] = []
        self.closed: list[training.History] = []

    def watch(self, batches, epoch, epochs):
        self.epochs.append((epoch, epochs, len(batches)))
        for number, batch in enumerate(batches):
            if self.place == "batch" and epoch == 2 and number == 2:
                raise self.error
            yield batch
            self.passed += 1

    def update(self, history):
        self.updates.append(len(history))
        if self.place == "update" and len(history) == 2:
            raise self.error

    def close(self, history):
        self.closed.append(history)


LISTS = [field.name for field in fields(training.History) if "list" in str(field.type)]


def test_history_tells_what_happened(few):
    show = Watching()
    after: list[int] = []
    recipe = Recipe(epochs=3, batch_size=64)
    history = fit(models.lenet5_variant(), few, recipe, show=show, after_epoch=after.append)
    assert show.epochs == [(1, 3, 4), (2, 3, 4), (3, 3, 4)]
    assert show.updates == after == [1, 2, 3]
    assert show.closed == [history]
    assert len(history) == 3
    assert {len(getattr(history, name)) for name in LISTS} == {3}
    assert (history.images, history.device, history.stopped) == (200, str(runtime.device()), "")
    assert history.learned_from == [200, 200, 200]
    assert history.images_per_second == pytest.approx(600 / sum(history.seconds))
    assert "3 epochs" in str(history)
    assert f"{history.validation_accuracy[-1]:.2%}" in str(history)
    assert f"{history.images_per_second:,.0f} images a second" in str(history)


def test_a_history_without_epochs():
    empty = training.History()
    assert (str(empty), empty.images_per_second, empty.diverged) == ("not trained", 0, False)
    assert math.isnan(empty.accuracy)


@pytest.mark.parametrize("place", ["batch", "update", "after_epoch", "evaluate"])
@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
def test_an_interrupt_keeps_network_and_history(few, monkeypatch, place, schedule):
    network, kept = models.lenet5_variant(), {}

    def after_epoch(epoch):
        kept[epoch] = weights(network)
        if place == "after_epoch" and epoch == 2:
            raise KeyboardInterrupt

    def interrupted(network, batches, real=evaluate):
        if place == "evaluate" and kept:
            raise KeyboardInterrupt
        return real(network, batches)

    monkeypatch.setattr(training, "evaluate", interrupted)
    show = Watching(place)
    recipe = Recipe(epochs=5, batch_size=50, schedule=schedule)
    history = fit(network, few, recipe, show=show, after_epoch=after_epoch)
    complete = 1 if place in ("batch", "evaluate") else 2
    assert history.stopped.startswith(f"Interrupted: {complete} of 5 epochs are complete.")
    assert {len(getattr(history, name)) for name in LISTS} == {complete}
    assert show.closed == [history]
    assert not network.training
    assert not same(weights(network), kept[1])  # what it learned in epoch 2 is there
    monkeypatch.undo()
    assert len(fit(network, few, recipe)) == 5


def test_an_interrupt_before_the_first_epoch_ends(few):
    class AtOnce(training.Silent):
        def watch(self, batches, epoch, epochs):
            raise KeyboardInterrupt

    history = fit(models.lenet5_variant(), few, Recipe(), show=AtOnce())
    assert len(history) == 0
    assert str(history).startswith("Interrupted: 0 of 10")


def test_other_errors_are_not_swallowed(few):
    show = Watching("batch", ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        fit(models.lenet5_variant(), few, Recipe(batch_size=50), show=show)


@pytest.mark.parametrize("learning_rate", [1e10, 1e38])
def test_a_loss_that_is_not_finite_explains_itself(few, learning_rate):
    show = Watching()
    after: list[int] = []
    recipe = Recipe(epochs=5, learning_rate=learning_rate)
    history = fit(models.lenet5_variant(), few, recipe, show=show, after_epoch=after.append)
    assert len(history) < 5
    assert history.diverged
    assert f"Stopped after epoch {len(history)}: the loss is" in history.stopped
    assert f"below {learning_rate / 10:g}" in history.stopped
    assert after == list(range(1, len(history)))  # no checkpoint of a broken network
    assert show.closed == [history]


def test_a_validation_loss_that_is_not_finite_ends_it_too(few, monkeypatch):
    monkeypatch.setattr(training, "evaluate", lambda network, batches: (math.nan, 0.1))
    history = fit(models.softmax_regression(), few, Recipe(epochs=3))
    assert len(history) == 1
    assert "on validation images nan" in history.stopped


def test_a_device_that_is_not_there(few):
    for name in ("gpu", "cuda:99", "meta"):
        with pytest.raises(ValueError, match=f"no device '{name}' here; this machine has .*cpu"):
            fit(models.lenet5(), few, Recipe(), device=name)


def run(few, seed, order):
    runtime.seed_everything(seed)
    network = models.lenet5_variant(dropout=0.3, batch_norm=True)
    history = fit(network, few, AUGMENTED, seed=order, device="cpu")
    return weights(network), replace(history, seconds=[])


def test_seeds_repeat_a_run_bit_by_bit(few):
    first, second = run(few, 3, 4), run(few, 3, 4)
    assert same(first[0], second[0])
    assert first[1] == second[1]
    assert not same(first[0], run(few, 3, 5)[0])
    assert not same(first[0], run(few, 2, 4)[0])


def test_a_terminal_shows_a_bar_and_a_line_an_epoch(few, capsys):
    recipe = Recipe(epochs=2, batch_size=50, schedule="one-cycle")
    history = fit(models.softmax_regression(), few, recipe, show=training.TerminalProgress())
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert len(lines) == 3
    for epoch, line in enumerate(lines[:2]):
        assert line.startswith(f"epoch {epoch + 1}: training loss {history.train_loss[epoch]:.4f}")
        assert f"validation accuracy {history.validation_accuracy[epoch]:.2%}" in line
    assert lines[2] == str(history)
    assert "epoch 2 of 2" in printed.err
    assert "/4 [" in printed.err


@pytest.mark.parametrize("schedule", records.SCHEDULES)
def test_fit_works_whatever_torchs_defaults_are(few, tmp_path, other_default, schedule):
    with torch.device("cpu"):
        network, again = (
            models.lenet5_variant(batch_norm=True),
            models.lenet5_variant(batch_norm=True),
        )
    recipe = replace(AUGMENTED, schedule=schedule, label_smoothing=0.1)
    history = fit(network, few, recipe, device="cpu")
    assert len(history) == 2
    assert not history.diverged
    path = training.save_checkpoint(tmp_path / "kept", network, recipe, history)
    assert training.load_checkpoint(path, again) == (recipe, history)
    assert same(weights(again), weights(network))
    answers = training.predict(network, few.validation)
    accuracy = (answers.argmax(dim=1) == few.validation.labels).double().mean().item()
    assert accuracy == pytest.approx(history.accuracy)
    assert training.predict(nn.Flatten(), few.validation).shape == (100, 784)


def test_a_network_of_another_precision_is_given_its_own(few):
    """Built before the default was changed, or made double by hand."""
    network = models.lenet5_variant().double()
    history = fit(network, few, Recipe(epochs=1, batch_size=50))
    assert len(history) == 1
    assert training.predict(network, few.validation).dtype == torch.float64
