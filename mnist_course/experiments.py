"""Change one setting of a recipe, predict what it does, and try both recipes on the same seeds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PREDICTIONS = ("higher", "lower", "unclear")
SEEDS = 5  # at least: luck alone parts five numbers from five others in 2 of 252 orders
WORDS = 5  # at least, of a reason


@dataclass(frozen=True)
class Run:
    """What a comparison was told, and what it found: a number for each seed and recipe."""

    changed: dict
    prediction: str
    before: list
    after: list


@dataclass
class Comparison:
    """Tries a recipe and a changed one on the same seeds, once it has your prediction.

    trial: a function; `trial(recipe, seed)` gives a number. number: what that number is, for the
    table; quiet: print none. runs: what was compared so far.
    """

    trial: Callable[[dict, int], float]
    number: str = "number"
    quiet: bool = False
    runs: list[Run] = field(default_factory=list)

    def __call__(self, base, changed, prediction, because, seeds):
        """Print both recipes' numbers, and return them as two lists, with a number for each seed.

        base, changed: recipes, dicts that differ in one setting; prediction: whether the numbers
        of the changed one will be "higher" or "lower", or whether it stays "unclear"; because: your
        reason, a sentence; seeds: at least five whole numbers.
        Raises ValueError, before anything is run, for what makes no fair comparison.
        """
        seeds = list(seeds)
        setting = changed_setting(base, changed)
        _require_prediction(prediction, because)
        _require_seeds(seeds)
        before, after = (self._numbers(one, seeds, prediction) for one in (base, changed))
        self.runs.append(Run(dict(changed), prediction, before, after))
        if not self.quiet:
            print(f"change:     {setting}, from {base[setting]} to {changed[setting]}")
            print(f"prediction: {prediction}, because {because.removeprefix('because ')}")
            print(f"{self.number}, with each of {len(seeds)} seeds")
            for name, numbers in (("before", before), ("after", after)):
                print(f"{name:>8}", *(f"{one:9.4g}" for one in numbers))
        return list(before), list(after)

    def _numbers(self, recipe, seeds, prediction):
        return [self.trial(dict(recipe), seed) for seed in seeds]


def changed_setting(base, changed):
    """The name of the one setting in which two recipes differ. Raises ValueError for another count.

    base, changed: dicts with the same names.
    """
    if not isinstance(changed, dict) or changed.keys() != base.keys():
        raise ValueError(
            f"the changed recipe needs the settings of the base, {', '.join(base)}, and no others. "
            '`{**base, "name": value}` copies the base and changes one of them'
        )
    names = [name for name in base if changed[name] != base[name]]
    if len(names) != 1:
        raise ValueError(
            f"change one setting, and only one; yours changes {', '.join(names) or 'none'}. "
            "Otherwise nobody can tell which change made the difference"
        )
    return names[0]


def _require_prediction(prediction, because):
    if prediction not in PREDICTIONS:
        raise ValueError(
            f'a prediction is "higher", "lower" or "unclear", and yours is {prediction!r}'
        )
    if not isinstance(because, str) or len(because.split()) < WORDS:
        raise ValueError(
            f"give your reason, too, in at least {WORDS} words: it is what the numbers will test"
        )


def _require_seeds(seeds: list[Any]):
    whole = all(isinstance(seed, int) and not isinstance(seed, bool) for seed in seeds)
    if not whole or len(set(seeds)) != len(seeds) or len(seeds) < SEEDS:
        raise ValueError(
            f"seeds are at least {SEEDS} different whole numbers, for example range({SEEDS}): "
            "fewer runs can differ by luck alone"
        )
