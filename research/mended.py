"""What lesson 08 finds in a full run: steps left out, the mend, and changes of its recipe.

    python research/mended.py

The lesson's own cells run, once and in order, so what is stored is what a student sees. Then each
change of CHANGES is tried by the lesson's own trial and comparison, on five seeds. Takes some
minutes.
"""

import contextlib
import io
import os
import tempfile

import jupytext
import quotes

from mnist_course import experiments, runtime

LESSON = quotes.EVIDENCE.parent.parent / "lessons" / "08_draw_a_digit.py"
# short names of what the lesson's tables have: marks can't hold spaces
STEPS = {"every step": "every-step", "no centre": "no-centre", "no box": "no-box"}
TESTS = {"1s with flags": "flags", "drawn 7s": "sevens", "other drawings": "others",
         "MNIST": "mnist"}  # fmt: skip
MENDS = {"MNIST alone": "control", "drawn and MNIST": "mixed", "drawn alone": "drawn-alone"}
CHANGES = (
    {"drawn": 20},
    {"drawn": 500},
    {"digits": 250},
    {"digits": 4000},
    {"epochs": 4},
    {"learning_rate": 0.0005},
)


def run_lesson():
    """Every name that there is when the lesson has run in full mode."""
    names = {"__name__": "lesson"}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for cell in jupytext.read(LESSON).cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, LESSON.name, "exec"), names)
    return names


def found_in(names):
    """What the lesson's tables hold, as plain data: accuracies in 0..1."""
    by_step = {
        network: {
            short: names["by_digit"](names[network], names["parts"][name])[-1].item() / 100
            for name, short in STEPS.items()
        }
        for network in ("network", "linear")
    }
    tests = list(TESTS.values())
    assert list(names["TESTS"]) == list(TESTS)

    def by_test(accuracies):
        return dict(zip(tests, (one / 100 for one in accuracies), strict=True))

    family = {}
    for short, name in (("before", "network"), ("mended", "mended_network"), ("board", "shipped")):
        said = names["probabilities_of"](names[name], names["family"]).argmax(dim=1).tolist()
        family[short] = {"digits": said, "ones": said.count(1), "sevens": said.count(7)}
    return {
        "validation_accuracy": names["history"].accuracy,
        "steps": by_step,
        "family": family,
        "before": by_test(names["accuracies"](names["network"])),
        "mends": {
            short: [by_test(run) for run in names["runs"][name]] for name, short in MENDS.items()
        },
    }


def changed(names):
    """What each change of the base recipe does: before and after, a number for each seed."""
    rows = []
    base, trial = names["BASE"], names["trial"]
    for change in CHANGES:
        compare = experiments.Comparison(trial, "1s with flags that are read, per cent")
        because = "this is tried for the record alone"
        before, after = compare(base, {**base, **change}, "unclear", because, seeds=range(5))
        rows.append({"change": change, "before": before, "after": after})
    return {"base": base, "changes": rows}


def main():
    if runtime.quick():
        raise SystemExit("this is a full-size run: start without MNIST_COURSE_QUICK")
    os.environ["MNIST_COURSE_STRICT"] = "floors"
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        names = run_lesson()
    content = {
        "command": "python research/mended.py",
        **found_in(names),
        "experiment": changed(names),
        "machine": runtime.machine(),
        "versions": runtime.versions(),
    }
    quotes.store("mended", content)
    quotes.write("mended")


if __name__ == "__main__":
    main()
