"""The exercise of each lesson that asks for an experiment: the right answer, and typical mistakes.

They stand in a module of their own, because the sandbox sees the other one, and this one without
its contents.
"""

from statistics import mean

from mnist_course.exercises.conclusion import concluded


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
