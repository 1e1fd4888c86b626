"""Weights kept in memory and in files: safetensors with the recipe inside, never a pickle."""

import json
import reprlib
from dataclasses import asdict, fields
from pathlib import Path

from mnist_course import runtime
from mnist_course.augment import MirroredAffine, RandomAffine
from mnist_course.records import History, Recipe


class Snapshots:
    """The weights before training and after each epoch, in memory, to look back at.

    Give it to `fit` as `after_epoch`. weights: a list of state dicts on the CPU, the first
    from before training; LeNet-5's take a quarter of a megabyte each.
    """

    def __init__(self, network):
        self.network = network
        self.weights = []
        self(0)

    def __call__(self, epoch):
        state = self.network.state_dict()
        self.weights.append({name: tensor.detach().cpu().clone() for name, tensor in state.items()})


class CheckpointError(runtime.CourseError):
    """A checkpoint can't be saved, or is missing, broken, foreign, or of another network."""


def _weights_path(path):
    """The path with the ending .safetensors; "rate-0.1" is a name, not an ending to replace."""
    path = Path(path)
    if not path.name:
        raise CheckpointError(f"{str(path)!r} names no file: give the file a name")
    return path if path.suffix == ".safetensors" else path.with_name(f"{path.name}.safetensors")


def check_place(path):
    """Make sure, before a long training, that `save_checkpoint` can write to `path`: by trying.

    Raises CheckpointError when the folder is not there, or when a file there can't be written or
    is not one that this course has saved. What is there stays as it is.
    """
    path = _weights_path(path)
    if not path.parent.is_dir():
        raise CheckpointError(f"{path} can't be written: there is no folder {path.parent}")
    _refuse_foreign(path)
    try:
        for file in (path, path.with_suffix(".json")):
            there = file.exists()
            runtime.write_whole(file, file.read_bytes() if there else b"")
            if not there:
                file.unlink()
    except OSError as error:
        raise _unwritable(path, error) from error


def save_checkpoint(path, network, recipe=None, history=None, seed=None):
    """Keep a network: weights in `path` (.safetensors), how they were made in a JSON beside it.

    Each file is written whole or not at all. The weights carry the same JSON inside, so they
    are complete without the other file. No pickle: loading a checkpoint runs no code.
    Returns the path of the weights. Raises CheckpointError when it can't be written, or when a
    file of another program would be lost.
    """
    import safetensors.torch

    path = _weights_path(path)
    _refuse_foreign(path)
    about = {
        "made_by": "mnist_course",
        "recipe": recipe.plain() if recipe else None,
        "history": asdict(history) if history else None,
        "seed": seed,
        "versions": runtime.versions(),
    }
    text = json.dumps(about, indent=1)
    weights = {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }
    try:
        runtime.write_whole(path, safetensors.torch.save(weights, {"mnist_course": text}))
        runtime.write_whole(path.with_suffix(".json"), text.encode())
    except OSError as error:
        raise _unwritable(path, error) from error
    return path


def _unwritable(path, error):
    return CheckpointError(
        f"{path} can't be written ({error.strerror or error}); make room or name another folder"
    )


def _refuse_foreign(path):
    """Raise CheckpointError for a file that a checkpoint would replace and that is not ours."""
    for file, ours in ((path, _has_our_weights), (path.with_suffix(".json"), _has_our_json)):
        try:
            if file.exists() and not (file.is_file() and (file.stat().st_size == 0 or ours(file))):
                raise CheckpointError(
                    f"{file} is there already and was not saved by this course: choose another "
                    "name, so that it is not lost"
                )
        except OSError as error:
            raise _unwritable(path, error) from error


def _has_our_weights(file):
    import safetensors

    try:
        with safetensors.safe_open(file, "pt") as weights:
            return "mnist_course" in (weights.metadata() or {})
    except safetensors.SafetensorError:
        return False


def _has_our_json(file):
    try:
        about = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(about, dict) and about.get("made_by") == "mnist_course"


def load_checkpoint(path, network):
    """Fill `network` with the weights of a checkpoint. Returns (recipe, history), or None each.

    Raises CheckpointError, and leaves the network as it is, when the file is missing, broken,
    not from this course, from a newer version of it, or of a network with other layers.
    """
    import safetensors

    path = _weights_path(path)
    if not path.is_file():
        raise CheckpointError(
            f"there is no {path.name} in {path.parent.resolve()}: the lesson that trains this "
            "network saves it; run that first"
        )
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = json.loads(metadata["mnist_course"])
        recipe, history = _recipe(about["recipe"]), _history(about["history"])
    except KeyError as error:
        raise CheckpointError(
            f"{path} was not saved by this course; give the name of a file that was"
        ) from error
    except (
        safetensors.SafetensorError, OSError, ValueError, TypeError, RecursionError,
    ) as error:  # fmt: skip
        raise CheckpointError(
            f"{path} is broken, or a newer version of the course saved it ({error}); update the "
            "course, or train and save again"
        ) from error
    _compare(path, weights, network.state_dict())
    network.load_state_dict(weights)
    return recipe, history


def _compare(path, found, expected):
    """Raise CheckpointError unless two state dicts have the same names, shapes and kinds."""
    for name in sorted(expected.keys() | found.keys()):
        there, here = found.get(name), expected.get(name)
        shapes = [None if tensor is None else tuple(tensor.shape) for tensor in (there, here)]
        if shapes[0] != shapes[1]:
            raise CheckpointError(
                f"{path.name} holds another network: {name} is {shapes[0]} in the file and "
                f"{shapes[1]} here"
            )
        # floats of another precision fit; whole or complex numbers would be bent into shape
        if there.dtype != here.dtype and not (
            there.is_floating_point() and here.is_floating_point()
        ):
            raise CheckpointError(
                f"{path.name} holds other numbers: {name} is {there.dtype} in the file and "
                f"{here.dtype} here"
            )


def _known(kind, settings):
    """The settings of a dataclass from a file, as they are. Raises TypeError for others."""
    if not isinstance(settings, dict):
        raise TypeError(f"no {kind.__name__} but {reprlib.repr(settings)}")
    unknown = settings.keys() - {one.name for one in fields(kind)}
    if unknown:
        raise TypeError(f"its {kind.__name__} has {', '.join(sorted(unknown))}")
    return settings


def _recipe(settings):
    """A `Recipe` from what `Recipe.plain` made of it; None from None."""
    if settings is None:
        return None
    settings = _known(Recipe, settings)
    pairs = {name: tuple(settings[name]) for name in ("betas", "normalisation")}
    maps = {
        name: _augmentation(settings[name])
        for name in ("augment", "final_augment")
        if isinstance(settings.get(name), dict)  # a text stands for a function of your own
    }
    return Recipe(**settings | pairs | maps)


def _augmentation(settings):
    """The augmentation that these settings of a recipe describe."""
    kind = MirroredAffine if "mirrored" in settings else RandomAffine
    return kind(**_known(kind, settings))


def _history(figures):
    """A `History` from what `asdict` made of it; None from None."""
    if figures is None:
        return None
    history = History(**_known(History, figures))
    lists = [
        value
        for name, value in figures.items()
        if isinstance(value, list) and (value or name != "learned_from")
    ]
    numbers = [number for values in lists for number in values]
    if (
        any(type(value) is not type(getattr(History(), name)) for name, value in figures.items())
        or any(
            isinstance(number, bool) or not isinstance(number, int | float) for number in numbers
        )
        or len({len(values) for values in lists}) > 1
    ):
        raise TypeError("its History is not one list of numbers for each figure")
    return history
