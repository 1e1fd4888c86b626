"""The exercise of each lesson that asks for an experiment: change, predict, run, conclude.

The check hands the answer made-up comparisons, so it looks at how the experiment was made and at
whether the conclusion follows. It never depends on which change or prediction somebody chose.
"""

from statistics import mean

from mnist_course import experiments
from mnist_course.assessment.exercise import Case, Exercise

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


def concluded(before, after):
    """What the numbers after a change are: "higher", "lower" or "unclear"."""
    if min(after) > max(before):
        return "higher"
    return "lower" if max(after) < min(before) else "unclear"


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


def experiment_exercise(name, base, points=2):
    """The exercise of this name. base: a recipe, a dict whose first setting is a number."""
    exercise = Exercise(
        name=name,
        points=points,
        cases=cases(base),
        hints=HINTS,
        prepare=lambda base, numbers, turn: (dict(base), Comparison(numbers, turn)),
        outcome=outcome,
    )
    exercise.answer(experiment)
    for mistake, hint, function in MISTAKES:
        exercise.mistake(mistake, hint)(function)
    return exercise


def run_once(base, compare):
    """A fair comparison: the prediction, and the numbers before and after."""
    name = next(iter(base))
    prediction = "higher"
    before, after = compare(
        base, {**base, name: base[name] + 1}, prediction, "more of it should do more", range(5)
    )
    return prediction, before, after


def experiment(base, compare):
    prediction, before, after = run_once(base, compare)
    found = concluded(before, after)
    return found, found == prediction


def with_conclusion(rule):
    """A wrong answer: another rule for what came out."""

    def answer(base, compare):
        prediction, before, after = run_once(base, compare)
        found = rule(before, after)
        return found, found == prediction

    return answer


def with_verdict(rule):
    """A wrong answer: another rule for whether the prediction came true."""

    def answer(base, compare):
        prediction, before, after = run_once(base, compare)
        found = concluded(before, after)
        return found, rule(found, prediction)

    return answer


def _word(after_is_above, after_is_below):
    return "higher" if after_is_above else "lower" if after_is_below else "unclear"


def _turned(before, after):
    return concluded(after, before)


def _of_means(before, after):
    return _word(mean(after) > mean(before), mean(after) < mean(before))


def _of_pairs(before, after):
    pairs = list(zip(before, after, strict=True))
    return _word(all(a > b for b, a in pairs), all(a < b for b, a in pairs))


def _of_first(before, after):
    return _word(after[0] > before[0], after[0] < before[0])


def _of_best(before, after):
    return _word(max(after) > max(before), max(after) < max(before))


def _with_ties(before, after):
    return _word(min(after) >= max(before), max(after) <= min(before))


def _only_higher(before, after):
    return _word(min(after) > max(before), False)


def _never_unclear(before, after):
    return "higher" if min(after) > max(before) else "lower"


def nothing_run(base, compare):
    return "higher", True


def run_twice(base, compare):
    run_once(base, compare)
    return experiment(base, compare)


MISTAKES = (
    ("nothing run",
     "Your function never calls `compare`, so nothing was tested. Hand it both recipes, your "
     "prediction, your reason and the seeds.", nothing_run),
    ("run twice",
     "Your function calls `compare` more than once. Whoever has seen the numbers can no longer "
     "predict them, so one call is allowed.", run_twice),
    ("sides turned",
     "Higher and lower are exchanged: the question is where the numbers *after* the change lie.",
     with_conclusion(_turned)),
    ("means compared",
     "You compare the two means. Two means always differ a little, also by luck. The rule asks "
     "whether *all* numbers of one list lie above all of the other.", with_conclusion(_of_means)),
    ("seed by seed",
     "You compare seed by seed. The rule is stricter: even the smallest number of one list must "
     "lie above the largest of the other.", with_conclusion(_of_pairs)),
    ("first seed alone",
     "You look at the first seed alone. One run can be lucky; use both whole lists.",
     with_conclusion(_of_first)),
    ("best of each",
     "You compare the largest number of each list. One lucky run would decide.",
     with_conclusion(_of_best)),
    ("ties count",
     "Where the lists touch, with the same number in both, they are not apart. Is there a `>=` or "
     "`<=` where `>` or `<` belongs?", with_conclusion(_with_ties)),
    ("never lower",
     'Your function never says "lower". A change may also make the numbers smaller.',
     with_conclusion(_only_higher)),
    ("never unclear",
     'Your function never says "unclear". Where the two lists overlap, nobody can tell.',
     with_conclusion(_never_unclear)),
    ("always came true",
     "Your function says that the prediction came true whatever came out.",
     with_verdict(lambda found, prediction: True)),
    ("never came true",
     "Your function says that the prediction failed whatever came out.",
     with_verdict(lambda found, prediction: False)),
    ("came true turned",
     "It says True where the prediction failed, and False where it came true.",
     with_verdict(lambda found, prediction: found != prediction)),
    ("unclear came true",
     'Where it stays "unclear", your function takes the prediction as come true. It came true '
     "only when what you found is the very word that you predicted.",
     with_verdict(lambda found, prediction: found in (prediction, "unclear"))),
)  # fmt: skip
