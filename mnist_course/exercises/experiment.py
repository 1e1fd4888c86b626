"""The exercise of each lesson that asks for an experiment: change, predict, run, conclude.

The check hands the answer made-up comparisons, so it looks at how the experiment was made and at
whether the conclusion follows. It never depends on which change or prediction somebody chose.
"""

from mnist_course import experiments
from mnist_course.assessment.exercise import Case, Exercise
from mnist_course.exercises import experiment_answers
from mnist_course.exercises.conclusion import concluded

# Made-up numbers, before and after, by what has to be concluded from them
CLEAR = {
    "higher": ([3.0, 1.0, 2.0, 5.0, 4.0], [7.0, 9.0, 6.0, 8.0, 7.5]),
    "lower": ([7.0, 9.0, 6.0, 8.0, 7.5], [3.0, 1.0, 2.0, 5.0, 4.0]),
    "unclear": ([3.0, 6.0, 2.0, 5.0, 4.0], [4.0, 3.0, 5.0, 2.5, 7.0]),
}
HINTS = (
    'Four steps: copy the base with one setting changed, `{**base, "name": value}`; write down a '
    "prediction and its reason; call `compare` once; conclude from the two lists.",
    "The numbers after the change are higher when even the smallest of them is above the largest "
    "of those before: `min` and `max` do most of it.",
    "The prediction came true when what you found is the word that you predicted. `==` gives True "
    "or False.",
)


class Comparison(experiments.Comparison):
    """A comparison with made-up numbers, for a check; a student knows it by the same name.

    numbers: before and after, whatever the recipes. turn: without numbers, what comes out: with 0
    what is predicted, with 1 and 2 the two other words, "unclear" first.
    """

    def __init__(self, numbers=None, turn=0):
        super().__init__(trial=_no_trial, quiet=True)  # else the reference's would show
        self.numbers, self.turn = numbers, turn

    def _numbers(self, recipe, seeds, prediction):
        numbers = self.numbers
        if numbers is None:
            others = [word for word in reversed(experiments.PREDICTIONS) if word != prediction]
            numbers = CLEAR[(prediction, *others)[self.turn]]
        self._asked = getattr(self, "_asked", -1) + 1  # first before, then after
        chosen = numbers[self._asked % 2]
        return [chosen[place % len(chosen)] for place in range(len(seeds))]


def _no_trial(recipe, seed):
    raise ValueError("only `compare` runs a recipe, once it has your prediction")


def outcome(returned, base, compare):
    """What is compared: how often something was run, and whether the conclusion follows.

    Raises TypeError for anything but a pair that begins with a text: it is compared as it is.
    """
    if type(returned) is not tuple or len(returned) != 2 or type(returned[0]) is not str:
        raise TypeError("no pair of a text and True or False")
    return f"comparisons: {len(compare.runs)}", _told(*returned, compare)


def _told(found, came_true, compare):
    """A sentence about a conclusion; the same for all right ones, whatever was predicted."""
    if type(came_true) is not bool:
        return "the second part is not True or False"
    if len(compare.runs) != 1:
        return ""
    [run] = compare.runs
    if compare.numbers is not None:
        right = concluded(run.before, run.after)
        return f"what came out: {found[:20]}" + ("" if found == right else f", not {right}")
    if came_true is (found == run.prediction):
        return "whether it came true: rightly told"
    return f"whether it came true: {came_true}, but it did{' not' if came_true else ''}"


def cases(base):
    """Comparisons that tell typical mistakes apart, for one base recipe."""

    def case(numbers=None, turn=0):
        text = f"made-up numbers: before {numbers[0]}, after {numbers[1]}" if numbers else (
            "made-up numbers in which your prediction does not come true" if turn else
            "made-up numbers in which your prediction comes true"
        )  # fmt: skip
        return Case(([*base.items()], numbers, turn), text)

    apart_in_pairs = ([1.0, 2.0, 3.0, 4.0, 5.0], [1.5, 2.5, 3.5, 4.5, 5.5])
    touching = ([1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 6.0, 7.0, 8.0, 9.0])
    touching_below = ([5.0, 6.0, 7.0, 8.0, 9.0], [5.0, 4.0, 3.0, 2.0, 1.0])
    equal = ([2.0] * 5, [2.0] * 5)
    mean_above = ([4.0, 9.0, 1.0, 2.0, 3.0], [3.0, 6.0, 7.0, 5.0, 4.0])  # but best and first below
    best_above = ([4.0, 5.0, 1.0, 2.0, 3.0], [3.0, 1.0, 6.0, 2.0, 1.0])  # but mean and first below
    overlapping = (apart_in_pairs, touching, touching_below, equal, mean_above, best_above)
    made_up = (*CLEAR.values(), *overlapping)
    return (*(case(numbers) for numbers in made_up), *(case(turn=turn) for turn in range(3)))


def experiment_exercise(name, base):
    """The exercise of this name. base: a recipe, a dict whose first setting is a number."""
    exercise = Exercise(
        name=name,
        points=2,
        cases=cases(base),
        hints=HINTS,
        prepare=lambda base, numbers, turn: (dict(base), Comparison(numbers, turn)),
        outcome=outcome,
    )
    exercise.answer(experiment_answers.experiment)
    for mistake, hint, function in experiment_answers.MISTAKES:
        exercise.mistake(mistake, hint)(function)
    return exercise
