"""What must hold on every device, on those of this machine, and `make gpu` in small.

The checks are in `device_checks.py`. They run on the CPU too, so that they are known to run.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import device_checks
import gpu
import pytest
import quotes
import torch
from captured import Captured
from torch import nn

from mnist_course import augment, data, models, recipes, runtime
from mnist_course.training import Recipe, fit

ROOT = Path(__file__).parent.parent
ACCELERATOR = runtime.device()
DEVICES = [
    "cpu",
    pytest.param(
        ACCELERATOR.type,
        marks=pytest.mark.skipif(
            ACCELERATOR.type == "cpu", reason="no GPU here: torch sees neither CUDA nor MPS"
        ),
        id="accelerator",
    ),
]


@pytest.fixture(autouse=True)
def full_mode(monkeypatch):
    monkeypatch.delenv("MNIST_COURSE_QUICK", raising=False)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", device_checks.CHECKS)
def test_on_a_device(name, device, tmp_path):
    try:
        device_checks.CHECKS[name](runtime.device(device), tmp_path)
    except device_checks.LeftOut as reason:
        pytest.skip(str(reason))


def test_a_check_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    check = device_checks.CHECKS["checkpoints lead from one device to the other"]
    with pytest.raises(device_checks.LeftOut, match="safetensors.torch is not installed here"):
        check(torch.device("cpu"), tmp_path)


def test_full_precision_is_put_back():
    before = torch.backends.cudnn.allow_tf32
    with device_checks.full_precision():
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before


# --- the training of which a whole step is captured -----------------------------------------

# short steps, because long ones enlarge each difference of rounding
SMALL = Recipe(
    epochs=2, batch_size=64, optimizer="adamw", learning_rate=0.0001, schedule="one-cycle",
    weight_decay=0.02, label_smoothing=0.05, augment=augment.RandomAffine(), channels_last=True,
)  # fmt: skip


def test_a_captured_training_is_that_of_fit(few):
    """Without a graph, which only CUDA has, but with the same steps; the last batch is smaller."""
    capturing = Captured(models.residual_network, few, SMALL, torch.device("cpu"), graphs=False)
    for seed in (0, 1):
        runtime.seed_everything(seed)
        network = models.residual_network()
        expected = fit(network, few, SMALL, seed=seed, device="cpu")
        found = capturing.train(seed)
        assert found.validation_accuracy == expected.validation_accuracy
        for key in ("train_loss", "validation_loss", "learning_rate"):
            assert getattr(found, key) == pytest.approx(getattr(expected, key), rel=1e-4)
        for one, other in zip(capturing.network.parameters(), network.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=1e-3)


def test_an_epochs_draws_are_those_of_its_batches(few):
    """Drawn at once, the numbers that place and move the images are those drawn batch by batch."""
    affine = recipes.WHOLE_AFFINE
    capturing = Captured(models.mlp, few, SMALL, torch.device("cpu"), graphs=False)
    capturing.generator.manual_seed(4)
    batches = data.Batches(few.train, 64, shuffle=True, augment=affine, seed=4)
    for _ in range(2):
        order, matrices = capturing.draw_epoch()
        moved = augment.move(data.scale(few.train.images[order]), matrices)
        images, labels = zip(*batches, strict=True)
        assert torch.equal(few.train.labels[order], torch.cat(labels))
        torch.testing.assert_close(data.normalise(moved), torch.cat(images))


def test_a_recipe_that_can_not_be_captured(few):
    for recipe, word in (
        (Recipe(optimizer="sgd"), "sgd"), (Recipe(optimizer="adam", schedule="step"), "step"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=word):
            Captured(models.mlp, few, recipe, torch.device("cpu"), graphs=False)


# --- the script ---------------------------------------------------------------------------


def test_the_split_without_scikit_learn_is_stratified_and_fixed():
    whole = data.load_all_training()
    digits = gpu.own_split(whole)
    again = gpu.own_split(whole)
    assert (len(digits.train), len(digits.validation)) == (55_000, 5_000)
    assert torch.equal(digits.train.labels, again.train.labels)
    shares = torch.bincount(whole.labels) / 12
    assert (torch.bincount(digits.validation.labels) - shares).abs().max() < 1.5
    together = torch.cat([digits.train.images, digits.validation.images]).flatten(1).sum(dim=1)
    assert torch.equal(together.sort().values, whole.images.flatten(1).sum(dim=1).sort().values)
    assert torch.bincount(digits.train.labels[:1000]).min() > 50, "in no mixed order"


def test_nothing_begins_after_the_deadline():
    clock = iter([0.0, 100.0, 400.0, 500.0])
    deadline = gpu.Deadline(minutes=8, now=lambda: next(clock))
    assert deadline.allows(60)  # 100 + 60 are within 480
    assert not deadline.allows(90)
    assert not deadline.allows()


def test_a_part_that_fails_is_told_and_the_rest_goes_on(capsys):
    report = {"left_out": []}

    def fails():
        raise RuntimeError("no compiler\nand more")

    with gpu.told(report, "compiled"):
        fails()
    assert report["left_out"] == ["compiled: RuntimeError: no compiler"]
    assert "compiled: RuntimeError: no compiler" in capsys.readouterr().out


def test_seconds_to_an_accuracy():
    history = fit(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), *tiny(), device="cpu")
    history.seconds, history.validation_accuracy = [1.0, 2.0, 3.0], [0.9, 0.996, 0.994]
    assert gpu.seconds_to(history, 0.995) == 3.0
    assert gpu.seconds_to(history, 0.997) is None


def tiny():
    few = device_checks.few()
    return data.Digits(few.train[:8], few.validation[:8]), Recipe(epochs=1, batch_size=8)


BARE = """
import runpy, sys
for name in {missing}:
    sys.modules[name] = None
sys.argv = ["gpu.py", *{arguments}]
runpy.run_path({script}, run_name="__main__")
"""
# all that the course asks for but torch and NumPy, and what torch itself needs
MISSING = [
    "platformdirs", "safetensors", "scipy", "sklearn", "psutil", "tqdm", "pytest", "matplotlib",
    "ipywidgets", "anywidget", "torchvision", "pandas", "PIL", "click", "nbformat", "flask", "d2l",
]  # fmt: skip


def trial(tmp_path, *more, missing=()):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MNIST_COURSE_")}
    environment["OMP_NUM_THREADS"] = "1"
    code = BARE.format(
        missing=list(missing),
        arguments=["--trial", "--device", "cpu", "--to", str(tmp_path / "gpu ü.json"), *more],
        script=repr(str(ROOT / "benchmarks" / "gpu.py")),
    )
    # from elsewhere, and without an installed course
    return subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True,
        text=True, encoding="utf-8",
    )  # fmt: skip


def test_a_trial_needs_nothing_but_torch_and_numpy(tmp_path):
    done = trial(tmp_path, missing=MISSING)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "gpu ü.json").read_text(encoding="utf-8"))
    verdicts = {row["name"]: row["verdict"] for row in report["checks"]}
    assert set(verdicts) == set(device_checks.CHECKS)
    left_out = {name for name, verdict in verdicts.items() if verdict == "left out"}
    assert set(verdicts.values()) == {"passed", "left out"}
    assert left_out == {
        "checkpoints lead from one device to the other", "a drawn digit is read",
        "metrics count what they count on the cpu", "plots take tensors from the device",
        "explorers show what they show on the cpu", "the checks of exercises judge as on the cpu",
    }  # fmt: skip
    assert "scikit-learn is not installed" in report["split"]
    assert "safetensors" in done.stdout
    assert len(report["losses"]["here"]) == len(report["losses"]["on the CPU"]) == 3
    assert report["losses"]["largest_gap"] < 0.01
    assert report["trainings"]["plain"]["count"] == 2
    assert len(report["trainings"]["plain"]["rows"][0]["validation_accuracy"]) == 1
    assert any("CUDA graphs" in line for line in report["left_out"])
    assert report["trial"] is True
    assert quotes.of_gpu(report)["trainings"]["plain"]["count"] == 2
    assert "not figures" in done.stdout  # a trial's mean nothing


def test_a_trial_out_of_time_still_reports(tmp_path):
    done = trial(tmp_path, "--minutes", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "gpu ü.json").read_text(encoding="utf-8"))
    assert report["checks"] == []
    assert report["trainings"] == {}
    assert any("no time was left" in line for line in report["left_out"])


def test_a_device_that_is_not_there(tmp_path):
    done = trial(tmp_path, "--device", "cuda:99")
    assert done.returncode == 2
    assert "no device 'cuda:99' here" in done.stderr


def test_a_trial_is_never_stored(tmp_path):
    done = trial(tmp_path, "--store")
    assert done.returncode == 2
    assert "a trial" in done.stderr
