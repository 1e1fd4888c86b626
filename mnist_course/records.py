"""A recipe, which holds every choice made before training, and a history of what happened."""

import json
import math
import reprlib
import sys
from dataclasses import asdict, dataclass, field

from mnist_course import data
from mnist_course.augment import RandomAffine
from mnist_course.names import OPTIMIZERS

SCHEDULES = ("constant", "one-cycle", "exponential", "step", "plateau")


@dataclass(frozen=True)
class Recipe:
    """Everything that is chosen before training starts.

    Raises ValueError, with a sentence, for a setting that can't work.
    """

    epochs: int = 10  # passes over the training images
    batch_size: int = 128  # images a step
    shuffle: bool = True  # a new order of the training images in each epoch
    optimizer: str = "sgd"  # one of OPTIMIZERS
    learning_rate: float = 0.1  # with one-cycle its peak, else its start
    momentum: float = 0.9  # SGD only
    nesterov: bool = False  # SGD only
    betas: tuple[float, float] = (0.9, 0.999)  # Adam and AdamW only
    weight_decay: float = 0.0  # on weights alone, not on biases and batch norm
    schedule: str = "constant"  # one of SCHEDULES
    warm_up: float = 0.3  # one-cycle: share of the steps before the peak
    decay: float = 0.5  # exponential (each epoch), step, plateau: factor on the learning rate
    decay_every: int = 5  # step: epochs between two decays
    label_smoothing: float = 0.0  # share of the target that goes to all ten classes
    hardest: float = 0.0  # share of the images that an epoch learns from, those of the largest
    # losses so far; the first epoch, and with 0 each, learns from all
    others: float = 0.0  # with hardest: a share of the images, too, drawn from all the others
    augment: RandomAffine | None = None
    final_epochs: int = 0  # so many at the end are augmented in another way:
    final_augment: RandomAffine | None = None
    patience: int | None = None  # stop after so many epochs without a better validation accuracy
    normalisation: tuple[float, float] = data.NORMALISATION
    channels_last: bool = False  # memory layout in which convolutions run faster

    def __post_init__(self):
        for name, works, sentence in RULES:
            value = getattr(self, name)
            if not works(value):
                raise ValueError(sentence.format(reprlib.repr(value)))
        if self.optimizer == "sgd" and self.nesterov and self.momentum == 0:
            raise ValueError("nesterov looks ahead along the momentum, so momentum must be above 0")
        if self.hardest + self.others > 1:
            raise ValueError(
                f"hardest and others are shares of the same images, so their sum is at most 1; got "
                f"{self.hardest} and {self.others}"
            )
        if self.others and not self.hardest:
            raise ValueError("others are what is learned from beside the hardest, so set both")

    def images_each_epoch(self, count):
        """How many of `count` training images each epoch learns from: a list of whole numbers."""
        later = math.ceil(count * self.hardest) + int(count * self.others)
        return [count] + [min(later, count) if self.hardest else count] * (self.epochs - 1)

    def plain(self):
        """The recipe as JSON holds it: a dict, its tuples as lists, your own functions as texts."""
        settings = json.loads(json.dumps(asdict(self), default=str))
        for name in ("augment", "final_augment"):
            if isinstance(settings[name], dict) and settings[name]["interpolation"] == "bilinear":
                # as in files from before there was a choice: a stored run equals today's recipe
                del settings[name]["interpolation"]
        return settings


def _whole(least):
    """A test for whole numbers from `least` on. True and False are none."""
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(within):
    """A test for finite numbers that pass `within`. True and False are none."""

    def works(value):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        # nan and inf fail this, and so does a whole number that no float can hold
        return number and abs(value) <= sys.float_info.max and within(value)

    return works


def _pair(first, second):
    """A test for tuples of two values, each with a test of its own."""
    return lambda value: (
        isinstance(value, tuple) and len(value) == 2 and first(value[0]) and second(value[1])
    )


def _flag(value):
    return isinstance(value, bool)


def _augmentation(value):
    # a text stands for a function of your own, in a recipe that comes from a file
    return value is None or isinstance(value, str) or callable(value)


_below_1 = _number(lambda value: 0 <= value < 1)
_any = _number(lambda value: True)
_above_0 = _number(lambda value: value > 0)

# (setting, a test for values that can work, what to say of one that can't)
RULES = (
    ("epochs", _whole(1), "a recipe needs at least 1 epoch, and whole ones; got {}"),
    ("batch_size", _whole(1), "a batch holds at least 1 image, and whole ones; got {}"),
    ("shuffle", _flag, "shuffle must be True or False, got {}"),
    (
        "optimizer",
        lambda value: value in OPTIMIZERS,
        f"no optimizer {{}}; there are {', '.join(OPTIMIZERS)}",
    ),
    ("learning_rate", _above_0, "the learning rate must be above 0, and finite; got {}"),
    ("momentum", _below_1, "momentum lies from 0 to below 1, got {}"),
    ("nesterov", _flag, "nesterov must be True or False, got {}"),
    ("betas", _pair(_below_1, _below_1), "betas are two numbers from 0 to below 1, got {}"),
    (
        "weight_decay",
        _number(lambda value: value >= 0),
        "weight decay is 0 or more, and finite; got {}",
    ),
    (
        "schedule",
        lambda value: value in SCHEDULES,
        f"no schedule {{}}; there are {', '.join(SCHEDULES)}",
    ),
    (
        "warm_up",
        _number(lambda value: 0 < value < 1),
        "warm-up is a share of the steps, above 0 and below 1; got {}",
    ),
    (
        "decay",
        _number(lambda value: 0 < value <= 1),
        "the learning rate decays by a factor above 0, up to 1; got {}",
    ),
    ("decay_every", _whole(1), "the learning rate decays every 1 or more epochs, got {}"),
    ("label_smoothing", _below_1, "label smoothing lies from 0 to below 1, got {}"),
    ("hardest", _below_1, "the hardest are a share of the images, from 0 to below 1; got {}"),
    ("others", _below_1, "the others are a share of the images, from 0 to below 1; got {}"),
    ("augment", _augmentation, "augment is None or an augmentation, as RandomAffine(); got {}"),
    ("final_epochs", _whole(0), "there are 0 or more final epochs, got {}"),
    (
        "final_augment",
        _augmentation,
        "final_augment is None or an augmentation, as RandomAffine(); got {}",
    ),
    (
        "patience",
        lambda value: value is None or _whole(1)(value),
        "patience is at least 1 epoch, or None; got {}",
    ),
    (
        "normalisation",
        _pair(_any, _above_0),
        "normalisation is a pair: a mean, and a standard deviation above 0; got {}",
    ),
    ("channels_last", _flag, "channels_last must be True or False, got {}"),
)


@dataclass
class History:
    """What happened, epoch by epoch. Losses are means an image; accuracies lie in 0..1."""

    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)  # while learning, augmented
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)  # at the end of the epoch
    seconds: list[float] = field(default_factory=list)  # training alone, without validation
    images: int = 0  # training images
    device: str = ""
    stopped: str = ""  # why training ended early, if it did
    learned_from: list[int] = field(default_factory=list)  # how many of the images in each epoch

    def __len__(self):
        return len(self.train_loss)

    @property
    def accuracy(self):
        """The validation accuracy (0..1) after the last complete epoch, nan without one."""
        return self.validation_accuracy[-1] if self.validation_accuracy else math.nan

    @property
    def images_per_second(self):
        """Training images a second, over all complete epochs."""
        # without the list, as in older files, each epoch showed all images
        images = sum(self.learned_from) or self.images * len(self.seconds)
        return images / sum(self.seconds) if self.seconds else 0.0

    @property
    def diverged(self):
        """True when a loss of the last epoch is not finite."""
        last = self.train_loss[-1:] + self.validation_loss[-1:]
        return not all(math.isfinite(loss) for loss in last)

    def __str__(self):
        if not len(self):
            return self.stopped or "not trained"
        text = (
            f"{len(self)} epoch{'s' * (len(self) > 1)} in {sum(self.seconds):.1f} s "
            f"({self.images_per_second:,.0f} images a second on {self.device}): "
            f"training loss {self.train_loss[-1]:.4f}, "
            f"validation accuracy {self.accuracy:.2%}"
        )
        return f"{text}. {self.stopped}" if self.stopped else text
