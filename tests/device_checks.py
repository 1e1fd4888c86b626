"""What must hold on every device: plain functions of a device and a folder, without pytest.

`test_gpu.py` runs them on the devices of this machine. `benchmarks/gpu.py` runs them where there is
nothing but torch, NumPy and this checkout, so whatever needs more is imported late. A check returns
what it measured, a dict, or None. It fails by an AssertionError, and where a package is missing it
raises LeftOut.
"""

import mnist_course  # noqa: F401  # before torch, because it sets how torch waits

# isort: split
import copy
import functools
import importlib
import warnings
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from mnist_course import augment, data, metrics, models, probe, recipes, runtime, shapes
from mnist_course.training import (
    HardestImages,
    Recipe,
    Snapshots,
    evaluate,
    fit,
    predict,
    train_epoch,
)

# The largest differences from the CPU that are allowed, as shares of the largest number.
LOGITS = 1e-3
GRADIENTS = 1e-2  # more, because a ReLU's input near 0 may fall on its other side
LOSSES = 0.05  # more, because each step of a training enlarges the difference of the last
CHECKS = {}


class LeftOut(Exception):
    """A check can't run here; the message says why."""


def check(function):
    """Put a function among the checks, under its name in words."""
    CHECKS[function.__name__.replace("_", " ")] = function
    return function


def needed(*names):
    """Import modules. Raises LeftOut where one of them, or what it imports, is missing."""
    try:
        return [importlib.import_module(name) for name in names]
    except ImportError as error:
        raise LeftOut(f"{error.name} is not installed here") from error


@contextmanager
def full_precision():
    """float32 as on the CPU. With TF32 a GPU rounds the factors of a product to 11 bits."""
    switches = torch.backends.cudnn, torch.backends.cuda.matmul
    with warnings.catch_warnings():
        # torch has newer names for the switches, but must not see the two kinds mixed
        warnings.simplefilter("ignore")
        before = [one.allow_tf32 for one in switches]
        try:
            for one in switches:
                one.allow_tf32 = False
            yield
        finally:
            for one, allowed in zip(switches, before, strict=True):
                one.allow_tf32 = allowed


@functools.cache
def few():
    """A small world on the CPU: 200 training and 100 validation images."""
    whole = data.load_all_training()
    return data.Digits(whole[:200], whole[200:300])


def inputs(device, count=4):
    """What a network takes: float32 (count, 1, 28, 28), and labels (count,)."""
    return next(iter(data.Batches(few().train, count, device=device)))


def drawn(build, device):
    """A network whose weights come from seed 0."""
    runtime.seed_everything(0)
    return build().to(device)


def trained(device):
    """A small network after an epoch on a device, with its history and snapshots."""
    network = drawn(lambda: models.lenet5_variant(batch_norm=True), "cpu")
    snapshots = Snapshots(network)
    recipe = Recipe(epochs=1, batch_size=50, optimizer="adam", learning_rate=0.003)
    return network, fit(network, few(), recipe, device=device, after_epoch=snapshots), snapshots


def gap(found, expected):
    """The largest difference of two tensors, as a share of the second's largest number."""
    found, expected = (one.detach().cpu().double() for one in (found, expected))
    assert found.shape == expected.shape
    assert torch.isfinite(found).all()
    return ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12)).item()


def distance(found, expected):
    """The length of two tensors' difference, as a share of the second's length."""
    found, expected = (one.detach().cpu().double() for one in (found, expected))
    return ((found - expected).norm() / expected.norm().clamp(min=1e-12)).item()


def on(device, *tensors):
    """Whether all tensors are on this kind of device."""
    return all(tensor.device.type == device.type for tensor in tensors)


# --- networks and training ----------------------------------------------------------------


@check
def every_network_gives_the_logits_and_gradients_of_the_cpu(device, folder):
    logits, slopes = {}, {}
    for name, (build, _) in recipes.NETWORKS.items():
        networks, outputs = [], []
        for place in (device, torch.device("cpu")):
            network = drawn(build, place).eval()  # dropout would draw other numbers
            images, labels = inputs(place)
            with full_precision():
                outputs.append(network(images))
                nn.functional.cross_entropy(outputs[-1], labels).backward()
            networks.append(list(network.parameters()))
        assert on(device, outputs[0], *(one.grad for one in networks[0]))
        logits[str(name)] = gap(*outputs)
        slopes[str(name)] = max(distance(a.grad, b.grad) for a, b in zip(*networks, strict=True))
    assert max(logits.values()) <= LOGITS, logits
    assert max(slopes.values()) <= GRADIENTS, slopes
    return {"logits": max(logits.values()), "gradients": max(slopes.values())}


@check
def fit_by_every_recipe_loses_as_on_the_cpu(device, folder):
    """Three steps of 8 images; where dropout draws other numbers, only finite losses count."""
    gaps = {}
    for name, (build, recipe) in recipes.NETWORKS.items():
        recipe = replace(recipe, epochs=1, batch_size=8, final_epochs=0)
        digits = data.Digits(few().train[:24], few().validation[:16])
        losses = []
        for place in (device, torch.device("cpu")):
            network = drawn(build, "cpu")
            with full_precision():
                # the layout changes no result, and on some processors torch crashes in it
                one = recipe if place == device else replace(recipe, channels_last=False)
                history = fit(network, digits, one, device=place)
            assert on(place, *network.parameters())
            assert history.device == str(place)
            assert not history.diverged
            losses.append(torch.tensor([*history.train_loss, *history.validation_loss]))
        if not any(isinstance(one, nn.Dropout) and one.p for one in network.modules()):
            gaps[str(name)] = ((losses[0] - losses[1]).abs() / losses[1]).max().item()
    assert max(gaps.values()) <= LOSSES, gaps
    return {"losses": max(gaps.values())}


@check
def a_small_world_is_learned(device, folder):
    network = drawn(models.lenet5_variant, "cpu")
    eight = data.Digits(few().train[:8], few().train[:8])
    recipe = Recipe(epochs=30, batch_size=8, optimizer="adam", learning_rate=0.01)
    history = fit(network, eight, recipe, device=device)
    assert history.accuracy == 1
    assert on(torch.device("cpu"), predict(network, few().validation))


@check
def checkpoints_lead_from_one_device_to_the_other(device, folder):
    needed("safetensors.torch")
    from mnist_course.training import load_checkpoint, save_checkpoint

    gaps = []
    for start, goal in ((device, torch.device("cpu")), (torch.device("cpu"), device)):
        network, history, _ = trained(start)
        path = save_checkpoint(folder / f"from-{start.type}-to-{goal.type}", network, None, history)
        again = models.lenet5_variant(batch_norm=True).to(goal)
        _, found = load_checkpoint(path, again)
        assert found == history
        assert on(goal, *again.parameters())
        for name, weights in network.state_dict().items():
            assert torch.equal(weights.cpu(), again.state_dict()[name].cpu())
        with full_precision():
            gaps.append(gap(predict(again, few().validation), predict(network, few().validation)))
    assert max(gaps) <= LOGITS
    return {"logits": max(gaps)}


@check
def batches_come_in_the_order_of_the_cpu(device, folder):
    here, there = (
        data.Batches(few().train, 64, shuffle=True, seed=3, device=place)
        for place in ("cpu", device)
    )
    assert on(device, there.part.images, there.part.labels)
    for _ in range(2):
        for (images, labels), (moved, moved_labels) in zip(here, there, strict=True):
            assert on(device, moved, moved_labels)
            assert torch.equal(moved_labels.cpu(), labels)
            assert gap(moved, images) <= 1e-6


@check
def the_hardest_images_are_those_of_the_cpu(device, folder):
    torch.manual_seed(0)
    weights = torch.randn(784, 10) / 28
    chosen = []
    for place in (device, torch.device("cpu")):
        batches = data.Batches(few().train[:40], 16, shuffle=True, seed=1, device=place)
        loss_function = HardestImages(batches, Recipe(hardest=0.2, others=0.2), seed=2)
        for _ in range(2):
            with full_precision():
                for images, labels in batches:
                    loss = loss_function(images.flatten(1) @ weights.to(place), labels)
            assert on(place, loss, loss_function.costs)
            batches.chosen = loss_function.choose(16)
        chosen.append(torch.cat([labels.cpu() for _, labels in batches]))
    assert torch.equal(*chosen)


@check
def augmentation_is_that_of_the_cpu(device, folder):
    images = data.scale(few().train.images)
    gaps = {}
    for interpolation in augment.INTERPOLATIONS:
        change = augment.RandomAffine(interpolation=interpolation)
        expected, found = (
            change(images.to(place), torch.Generator().manual_seed(5)) for place in ("cpu", device)
        )
        assert on(device, found)
        wrong = (found.cpu() - expected).abs()
        if interpolation == "bilinear":
            gaps["pixels"] = wrong.max().item()
        else:  # a place between two pixels may fall to either of them
            gaps["other neighbours"] = (wrong > 1e-3).float().mean().item()
    assert max(gaps.values()) <= 1e-3, gaps
    moved = augment.shift(few().train.images.to(device), 3, -2)
    assert torch.equal(moved.cpu(), augment.shift(few().train.images, 3, -2))
    return gaps


@check
def snapshots_are_kept_on_the_cpu(device, folder):
    network, _, snapshots = trained(device)
    assert len(snapshots.weights) == 2
    assert on(torch.device("cpu"), *snapshots.weights[1].values())
    for name, weights in network.state_dict().items():
        assert torch.equal(weights.cpu(), snapshots.weights[1][name])


# --- what looks at networks, logits and images --------------------------------------------


def told(network, device):
    """What `probe` tells of a network on a device: a list of plain values, arrays and tensors."""
    images, labels = inputs(device)
    inspector = probe.Inspector(network)
    found = inspector.inspect(images[:1])
    # as one, because the slope of a bias before batch norm is nothing but rounding
    slopes = torch.cat([one.flatten() for one in probe.gradients(network, images, labels).values()])
    return [
        probe.shape_table(network), probe.multiply_accumulates(network), inspector.map_shapes(),
        inspector.receptive_field("3", 2, 3), inspector.kernel("4", 2, 1), found.outputs["4"],
        probe.patch(network[4], torch.as_tensor(found.inputs["4"]).to(device), 2, 3),
        probe.inspect(network.eval(), images[:1]).probabilities,
        *probe.activations(network, images).values(), *probe.kernels(network).values(),
        slopes, probe.saliency(network, images, labels),
    ]  # fmt: skip


@check
def probe_tells_what_it_tells_on_the_cpu(device, folder):
    network, _, _ = trained(device)
    gaps = []
    with full_precision():
        here, there = (told(network.to(place), place) for place in (torch.device("cpu"), device))
    for expected, found in zip(here, there, strict=True):
        if isinstance(expected, torch.Tensor | np.ndarray):
            gaps.append(distance(torch.as_tensor(found), torch.as_tensor(expected)))
        else:
            assert found == expected
    assert max(gaps) <= GRADIENTS, gaps
    return {"numbers": max(gaps)}


@check
def metrics_count_what_they_count_on_the_cpu(device, folder):
    labels = few().validation.labels
    logits = torch.randn(100, 10, generator=torch.Generator().manual_seed(0)).double()
    logits[range(100), labels] += 2
    logits = logits.float()
    found = []
    for place in (device, "cpu"):
        shares = logits.to(place).softmax(dim=1)
        there = labels.to(place)
        counts = metrics.confusion(shares.argmax(dim=1), there)
        numbers = [
            metrics.accuracy(logits.to(place), there),
            metrics.expected_calibration_error(shares, there),
        ]
        found.append(torch.cat([counts.flatten().cpu(), torch.tensor(numbers)]))
    assert gap(*found) <= 1e-6
    needed("scipy")
    expected = metrics.temperature(logits, labels)
    assert abs(metrics.temperature(logits.to(device), labels.to(device)) - expected) < 1e-6
    images = few().train.images
    assert shapes.count_holes(images.to(device)) == shapes.count_holes(images)


@check
def a_network_is_described_as_on_the_cpu(device, folder):
    from mnist_course import export

    network = drawn(models.residual_network, "cpu")
    expected = export.describe(network)
    assert export.describe(network.to(device)) == expected
    assert on(device, *network.parameters())


def elsewhere(device):
    """Another device than this one: the CPU, or beside it one that holds no numbers."""
    return torch.device("meta" if device.type == "cpu" else "cpu")


def mixed(device):
    """Calls that are handed things on a device and others elsewhere, by name."""
    far = elsewhere(device)
    network = drawn(models.residual_network, device)
    off_the_cpu = network if far.type == "cpu" else drawn(models.residual_network, far)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    images, labels = inputs(device)
    batches = data.Batches(few().train, 50, device=far)
    logits, shares = torch.zeros(4, 10, device=device), torch.full((4, 10), 0.1, device=device)
    return {
        "train_epoch": lambda: train_epoch(network, batches, nn.CrossEntropyLoss(), optimizer),
        "evaluate": lambda: evaluate(network, batches),
        "activations": lambda: probe.activations(network, images.to(far)),
        "gradients": lambda: probe.gradients(network, images, labels.to(far)),
        "saliency": lambda: probe.saliency(network, images, labels.to(far)),
        "inspect": lambda: probe.inspect(network, images[:1].to(far)),
        "accuracy": lambda: metrics.accuracy(logits, labels.to(far)),
        "confusion": lambda: metrics.confusion(labels, labels.to(far)),
        "calibration": lambda: metrics.calibration(shares, labels.to(far)),
        "receptive_fields": lambda: probe.receptive_fields(off_the_cpu, ["3"]),
    }


@check
def two_devices_at_once_are_refused_in_a_sentence(device, folder):
    for name, call in mixed(device).items():
        try:
            call()
        except runtime.CourseError as error:
            said = str(error)
            assert " on the device " in said, (name, said)
            assert "Type: " in said, (name, said)
            for place in (device.type, elsewhere(device).type):
                assert place in said, (name, said)
        else:
            raise AssertionError(f"{name} says nothing of two devices")
    # it moves the images itself
    assert len(predict(drawn(models.lenet5, device), few().validation)) == 100


# --- checks, explorers, plots, drawings ---------------------------------------------------


@contextmanager
def default_device(device):
    """torch's default device, as a student may have set it."""
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


@check
def the_checks_of_exercises_judge_as_on_the_cpu(device, folder):
    """Right answers pass, and one that leaves its tensors on a GPU is told so."""
    checks, verdicts = needed("mnist_course.checks", "mnist_course.assessment.verdict")
    far = device if device.type != "cpu" else elsewhere(device)  # from the cases
    told = 0
    for name, exercise in checks.EXERCISES.items():
        with default_device(device):
            result = checks.judge(name, exercise.reference)
        assert result.verdict is verdicts.Verdict.PASSED, (name, result)
        if isinstance(exercise.reference, type):
            continue

        def moved(*arguments, answer=exercise.reference):
            returned = answer(*arguments)
            return returned.to(far) if type(returned) is torch.Tensor else returned

        result = checks.judge(name, moved)
        if result.verdict is not verdicts.Verdict.PASSED:  # what is no tensor was not moved
            assert f"and yours is on {far.type}" in result.sentence, (name, result)
            told += 1
    assert told
    return {"exercises": len(checks.EXERCISES), "told of the device": told}


@check
def explorers_show_what_they_show_on_the_cpu(device, folder):
    [widgets] = needed("mnist_course.widgets")
    from mnist_course import drawing

    network, history, snapshots = trained(device)
    found = []
    for place in (device, torch.device("cpu")):
        part = few().validation.to(place)
        network.to(place)
        logits = predict(network, part).to(place)
        explorers = [
            widgets.kernel_lab(part), widgets.pooling_lab(part),
            widgets.augmentation_lab(part, augment.RandomAffine()),
            widgets.feature_maps({"one": network, "the same": network}, part),
            widgets.epoch_scrubber(network, snapshots, history, part),
            widgets.loss_explorer(part, 3),
        ]  # fmt: skip
        for one in explorers:
            assert one.error is None, one.error
            found.append(one.picture.text)
            found.append(one.picture.pixels.tobytes())
        pages = [
            widgets.network_explorer(network, part), widgets.occlusion_explorer(network, part),
            widgets.shift_explorer({"one": network}, part),
        ]  # fmt: skip
        found += [[one.weights, one.descriptions, one.digits, one.labels] for one in pages]
        found.append(widgets.contest(part, logits, 5).digits)
        found.append(widgets.drawing_pad(network, drawing.Collection()).weights)
    half = len(found) // 2
    for place, (one, other) in enumerate(zip(found[:half], found[half:], strict=True)):
        assert one == other, f"part {place} differs"


@check
def plots_take_tensors_from_the_device(device, folder):
    matplotlib, _ = needed("matplotlib", "mnist_course.plots")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    from mnist_course import plots

    network = drawn(models.lenet5, device)
    images, labels = few().train.images[:20].to(device), few().train.labels[:20].to(device)
    kept = probe.activations(network, data.normalise(data.scale(images)))
    maps = [kept[name][0] for name in ("1", "2", "4", "5")]
    logits = network(data.normalise(data.scale(images)))
    weights = probe.kernels(network)["3"][0]
    shares = logits.detach().softmax(dim=1)
    plots.image_grid(images, labels.tolist())
    plots.predictions(images, logits, labels)
    plots.number_matrix(weights[0])
    plots.class_rows(images, labels, "0123456789", 2)
    change = augment.RandomAffine()
    plots.augmented(images[0], change(data.scale(images))[:, 0], change)
    plots.kernels(weights)
    plots.confusion(logits.argmax(dim=1), labels)
    plots.reliability({"network": shares}, labels)
    plots.batch_norm(kept["0"], kept["1"])
    plots.softmax_and_loss(logits[0], int(labels[0]))
    plots.patch_to_number(images[0], weights[0], 3, 4)
    plots.channels_to_map(kept["2"][0], weights)
    plots.lenet_diagram(images[0], maps, shares[0])
    pyplot.close("all")


@check
def a_drawn_digit_is_read(device, folder):
    [drawing] = needed("mnist_course.drawing")
    strokes = [[(20, 20), (80, 20), (45, 85)]]
    image = torch.tensor(drawing.image_of(strokes))
    part = data.Part(image[None].to(device), torch.tensor([7], device=device))
    network = drawn(models.residual_network, device)
    with full_precision():
        found = predict(network, part)
        assert gap(found, predict(copy.deepcopy(network).cpu(), part.to("cpu"))) <= LOGITS
    sheet = data.scale(few().train.images[:1])[0, 0]
    expected = drawing.from_picture(sheet)
    assert np.array_equal(drawing.from_picture(sheet.to(device)).image, expected.image)
