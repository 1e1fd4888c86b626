"""Every number that the prose states is computed, or stands in the cell beside it.

A number counts when it has a decimal point, a percent sign or at least three digits. In a
lesson it must be one of these: filled in from mnist_course/results/ by a mark, printed by a
checked cell, written in the code, or listed below with what it is computed from or who says so.
"""

import ast
import math
import re
import statistics
from functools import cache
from pathlib import Path

import choices
import nbformat
import pytest
import torch

from mnist_course import data, metrics, models, probe, recipes, results

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
NOT_A_CLAIM = re.compile(
    r"https?://\S+|\]\([^)]*\)|zhuanlan\S+"  # links
    r"|\(\d{4}\)|[Ii]n \d{4}\b|2025-09-19"  # years
    r"|m0_\d+|section \d+\.\d+|Exercise \d+\.\d"  # an author, a section of a book, an exercise
    r"|\{\{.*?\}\}"  # filled in from the results
)


@cache
def split():
    """MNIST as a lesson has it in full mode."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MNIST_COURSE_QUICK", raising=False)
        return data.load()


def share_of_ones():
    labels = data.load_all_training().labels
    return (labels == 1).float().mean().item() * 100


def conv(inputs, outputs, size, bias=True):
    return outputs * inputs * size * size + (outputs if bias else 0)


# What is neither printed nor written in code: text in the prose, and the number it states.
COMPUTED = {
    "01": {
        "784": 28 * 28,
        "60,000": lambda: len(data.load_all_training()),
        "55,000": lambda: len(split().train),
        "5,000": lambda: len(split().validation),
        "11.24": share_of_ones,
        "234": 0xEA,
        "180": math.degrees(math.pi),
        "0.9": lambda: 1 - recipes.WHOLE_AFFINE.scale,
        "1.1": lambda: 1 + recipes.WHOLE_AFFINE.scale,
    },
    "02": {
        "784": 28 * 28,
        "78,400": 100 * 28 * 28,
        "1,881,600": 6 * 14 * 14 * 16 * 10 * 10,
        "2,400": conv(6, 16, 5, bias=False),
        "4,608": conv(16, 32, 3, bias=False),
        "4,640": conv(16, 32, 3),
        "0.2": 5 * 0.04,  # five times the learning rate of section 6: it diverges, tested below
    },
    "03": {
        "2.303": math.log(10),
        "2.3": math.log(10),
        "2.718": math.floor(1000 * math.e) / 1000,
        "4.605": math.log(100),
        "0.223": -math.log(0.8),
        "0.69": -math.log(0.5),
        "0.5": lambda: float(torch.sigmoid(torch.zeros(()))),
        "0.88": lambda: float(torch.sigmoid(torch.tensor(2.0))),
        "0.12": lambda: float(torch.sigmoid(torch.tensor(-2.0))),
        "0.004": lambda: 0.25**4,  # "less than"
        "0.25": lambda: float(torch.sigmoid(torch.zeros(()))) ** 2,
        "5.5": 1 * 1 + 2 * 2 + 0.5,
        "400": 16 * 5 * 5,
        "784": 28 * 28,
        "5,000": lambda: len(split().validation),
        "48,120": 400 * 120 + 120,
        "61,706": lambda: sum(p.numel() for p in models.lenet5().parameters()),
        "2,572": conv(1, 6, 5) + conv(6, 16, 5),
        "156": conv(1, 6, 5),
        "61,610": 61_706 - conv(1, 6, 5) + conv(1, 6, 3),
        "200": 100 + 100,
    },
    "04": {
        "2.303": math.log(10),
        "0.25": lambda: float(torch.sigmoid(torch.zeros(()))) ** 2,  # its slope at 0: s (1 - s)
        "55,000": lambda: len(split().train),
        "1.2": 98.7 - 97.5,
        "2.8": 0.1 * 28,
        "1.4": math.sqrt(2),
        "5,000": lambda: len(split().validation),
        "0.4": 0.2 + 0.2,
        "0.05": 0.1 / math.sqrt(4),
        "0.07": math.hypot(0.05, 0.05),
    },
    "05": {
        "2.303": math.log(10),
        "55,000": lambda: len(split().train),
        "9,000": 10_000 - 1_000,
        "60,000": lambda: len(data.load_all_training()),
        "5,000": lambda: len(split().validation),
        "99.34": lambda: 100 * metrics.interval(9_950, 10_000)[0],
        "99.62": lambda: 100 * metrics.interval(9_950, 10_000)[1],
        "38,522": lambda: sum(p.numel() for p in models.residual_network().parameters()),
        "0.955": 1 - 0.05 + 0.05 / 10,
        "0.28": -(0.955 * math.log(0.955) + 9 * 0.005 * math.log(0.005)),
        "0.005": 0.05 / 10,
        "512": conv(16, 32, 1, bias=False),
    },
}

# What others report or a question assumes: nothing here could compute it.
QUOTED = {
    "01": {"98": "the made-up networks of section 12 have it; their code says 0.98"},
    "03": {"1998": "a year", "95": "the usual confidence"},
    "04": {
        "3.03": "write-up C shows it as a probability",
        "98.9": "question 4 assumes it",
        "99.0": "the same",
        "99": "what tutorials report, rounded",
        "80": "write-up D, its first model",
        "90": "write-up D, its second and third model",
    },
    "05": {
        "2015": "a year",
        "95": "the usual confidence",
        "9,950": "the exercise's example and question 3 assume it",
        "99.51": "write-up A, after five epochs",
        "99.65": "the aim of the longer network; what was reached stands under Results",
        "99.68": "write-up A, the best of its 100 epochs",
        "99.64": "write-up A, its last epoch",
    },
}


def prose(lesson):
    """The markdown of a lesson file."""
    cells = re.split(r"^# %%", lesson.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return "\n".join(cell for cell in cells if cell.startswith(" [markdown]"))


def claims(text):
    """The numbers of a text that count as claims."""
    for match in NUMBER.finditer(NOT_A_CLAIM.sub(" ", text)):
        number = match[0].rstrip(",")
        percent = re.match(r"\s*%", match.string[match.end() :])
        if "." in number or percent or len(number.replace(",", "")) >= 3:
            yield number


def evidence(lesson):
    """The numbers that a lesson's code computes with, or its checked cells print.

    What stands in a comment or in a text, such as that of a picture, proves nothing.
    """
    notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
    numbers = set()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            printed = "\n".join(output.get("text", "") for output in cell.outputs)
            numbers |= {n.replace(",", "") for n in re.findall(r"\d[\d,]*(?:\.\d+)?", printed)}
            for node in ast.walk(ast.parse(cell.source)):
                if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                    numbers.add(str(node.value))
    return numbers


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_number_of_a_lesson_has_its_evidence(lesson):
    number = lesson.stem[:2]
    listed = {*COMPUTED[number], *QUOTED.get(number, ())}
    known = evidence(lesson) | {n.replace(",", "") for n in listed}
    unproved = {number for number in claims(prose(lesson)) if number.replace(",", "") not in known}
    assert not unproved, f"{lesson.name} states {sorted(unproved)}: from where?"


@pytest.mark.parametrize("lesson", sorted(COMPUTED))
def test_computed_numbers_are_what_the_prose_says(lesson):
    for text, value in COMPUTED[lesson].items():
        number = re.match(r"[\d,.]+", text)[0]
        digits = len(number.partition(".")[2])
        value = value() if callable(value) else value
        assert f"{value:,.{digits}f}" == number or f"{value:.{digits}f}" == number, text


def test_the_learning_rate_that_lesson_02_calls_too_large_is(seed=0):
    torch.manual_seed(seed)
    images = data.normalise(data.scale(data.load_all_training().images[:256]))
    secret = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])[None, None]
    targets = torch.nn.functional.conv2d(images, secret)
    kernel = torch.randn(1, 1, 3, 3, requires_grad=True)
    losses = []
    for _ in range(20):
        loss = ((torch.nn.functional.conv2d(images, kernel) - targets) ** 2).mean()
        (slope,) = torch.autograd.grad(loss, kernel)
        kernel = (kernel - 0.2 * slope).detach().requires_grad_()
        losses.append(loss.item())
    assert losses[-1] > losses[0]


# --- README -------------------------------------------------------------------------------


def spread(row):
    """Mean and deviation of a stored row, as the README writes them; one run has no deviation."""
    if row["deviation"] is None:
        return f"{100 * row['mean']:.2f} %"
    return f"{100 * row['mean']:.2f} ± {100 * row['deviation']:.2f} %"


def accuracies():
    """(words that a line or paragraph of the README has, numbers that must stand there too)."""
    for words, topic in (
        ("**Lesson 05's network**", "residual"),
        ("**The same kind of network, longer**", "residual-long"),
        ("**A small one of this kind**", "residual-small"),
    ):
        stored = results.load(topic)
        test = stored["rows"][topic]["test"]
        work = probe.multiply_accumulates(recipes.NETWORKS[topic][0]())
        yield (
            words,
            [
                f"{stored['runs'][0]['parameters']:,} parameters",
                f"{work / 1e6:.1f} million multiply-accumulates",
                f"{stored['runs'][0]['recipe']['epochs']} epochs",
                f"{stored['training_images']:,} images",
                f"{100 * test['mean']:.2f} % of the test set",
                f"standard deviation {100 * test['deviation']:.2f} %",
                f"Every seed, 0 to {stored['seeds'] - 1}: "
                + ", ".join(f"{100 * accuracy:.2f}" for accuracy in test["accuracies"]),
            ],
        )
    times = work_to_train("residual-long", voters=2) / work_to_train("residual")
    yield "**The same kind of network, longer**", [f"{times:.0f} times lesson 05's work"]
    yield "Five networks were read on it", [
        f"The first reached {100 * first_network()['mean']:.2f} %",
        f"with 28 channels: {100 * first_longer():.2f} %",
    ]  # fmt: skip
    longer, small = (
        len(choices.CANDIDATES[name]) for name in ("the longer network", "the smallest network")
    )
    yield "chosen on 10,000 images", [
        f"A first longer one was chosen among {longer} candidates",
        f"the small one among {small}",
    ]  # fmt: skip
    more, halves = (
        len(choices.CANDIDATES[name]) for name in ("a longer network still", choices.HALVES)
    )
    yield "For a better longer one", [
        f"{more} more candidates", f"and {halves} on halves",
        f"They misread {on_halves('two of 22 channels vote, calm at the end'):.3f} %",
        f"with 28 channels {on_halves('28 channels'):.3f} %",
    ]  # fmt: skip
    for line, topic, name in TABLE:
        stored = results.load(topic)
        row = stored["rows"][name]
        yield line, [f"| {len(row['accuracies'])} | {spread(row)} |"]
        if ", 10 epochs" in line:
            assert stored["runs"][0]["recipe"]["epochs"] == 10


def work_to_train(topic, voters=1):
    """Multiply-accumulates of all forward passes of a training; an image passes one voter."""
    stored = results.load(topic)
    work = probe.multiply_accumulates(recipes.NETWORKS[topic][0]())
    return work / voters * stored["runs"][0]["recipe"]["epochs"] * stored["training_images"]


def on_halves(name):
    """Per cent that a candidate misread on average, on the half that it did not learn from."""
    runs = results.load("choices")["runs"]
    return statistics.mean(
        100 * (1 - one["validation_accuracy"][-1])
        for one in runs
        if (one["choice"], one["name"]) == (choices.HALVES, name)
    )


def first_longer():
    """The mean test accuracy of the longer network that came before today's."""
    earlier = results.load("residual-long")["earlier"]
    assert {one["parameters"] for one in earlier} == {116_462}
    assert len(earlier) == 10
    return statistics.mean(one["test_accuracy"] for one in earlier)


def first_network():
    return results.load("residual-first")["rows"]["residual"]["test"]


# The README's table of results: how a row begins, and the stored row
TABLE = (
    ("| LeNet-5, sigmoid and average pooling, 10 epochs |", "lenet", "lenet5"),
    ("| LeNet-5 with ReLU, max pooling and Adam, 10 epochs |", "relu", "lenet5-relu"),
    ("| write-up A's, its first epoch", "writeup-a", "a"),
    ("| write-up B's, one order", "writeups", "b"),
    ("| write-up B's, shuffled", "writeups", "b-shuffled"),
    ("| write-up C's", "writeups", "c"),
    ("| write-up E's", "writeups", "e"),
    ("| write-up D's LeNet-5, from d2l,", "fashion", "lenet5"),
    ("| write-up D's network by SGD, on Fashion-MNIST |", "fashion", "d1"),
    ("| write-up D's by Adam, on Fashion-MNIST |", "fashion", "d2"),
    ("| write-up D's with dropout, on Fashion-MNIST |", "fashion", "d3"),
    ("| write-up D's with more channels, on Fashion-MNIST |", "fashion", "d4"),
    ("| lesson 05's network |", "residual", "residual"),
)


def speeds():
    """The same for `make bench`."""
    tables = results.load("bench")["tables"]
    training, loader, explorers = (tables[name] for name in ("training", "loader", "explorers"))
    steps = training["times"]["step of write-up A"]
    yield "| training lesson 05's network", [
        f"{training['ratio']:.3g} times", f"{training['seconds']:.0f} s",
        f"{min(steps) / statistics.median(steps) * training['ratio']:.3g} times",
    ]  # fmt: skip
    yield (
        "| augmented images a second",
        [
            f"{loader['ratio']:.3g} times",
            f"{loader['ratio_two_workers']:.3g} times with two workers",
        ],
    )
    yield "| an epoch of LeNet-5", [f"{tables['loop']['ratio']:.3g} times"]
    labs = ("kernel lab", "pooling lab", "augmentation lab", "feature maps")
    ahead = [explorers["milliseconds"][name] for name in labs]
    yield "| from a key on a slider", [
        f"{explorers['ratio']:.3g} times", f"{min(ahead):.0f} to {max(ahead):.0f} ms",
    ]  # fmt: skip
    yield "| `mnist-course --help`", [
        f"{tables['help']['ratio']:.3g} times", f"{tables['help']['seconds']:.2g} s",
    ]  # fmt: skip
    networks = tables.get("networks", {"rows": {}})["rows"]
    for line, _, name in TABLE:
        if name == "a":
            yield line, [f"{training['peer_minutes_an_epoch']:.0f} min"]
        elif (
            name := name.removesuffix("-shuffled")
        ) in networks:  # make bench ARGS=networks has been run
            yield line, [f"{networks[name]['minutes']:.1f} min"]
    lessons = {k: v for k, v in results.load("lessons").items() if k.isdigit()}
    for number, lesson in lessons.items():
        yield f"| {number} |", [f"| {lesson['minutes']} min |"]
    most = max(lesson["peak_megabytes"] for lesson in lessons.values())
    yield "Peak memory of a lesson", [f"at most {most:,} MB"]


def explorers():
    """The same for docs/speed.md."""
    table = results.load("bench")["tables"]["explorers"]
    labs = ("kernel lab", "pooling lab", "augmentation lab", "feature maps")
    ahead = [table["milliseconds"][name] for name in labs]
    late = [table["explorers"][name]["explorer"]["percentile_95"] for name in labs]
    yield "**Step by step**", [
        f"{min(ahead):.0f} to {max(ahead):.0f} ms", f"{math.ceil(max(late))} ms",
    ]  # fmt: skip
    asked = [table["on_demand_milliseconds"][name] for name in labs]
    yield "**After a jump**", [f"{min(asked):.0f} to {max(asked):.0f} ms"]
    least = table["least_milliseconds"].values()
    yield "**A bare slider**", [f"{min(least):.0f} to {max(least):.0f} ms"]
    yield "The epoch scrubber", [f"{table['milliseconds']['epoch scrubber']:.0f} ms"]


def missing_from(text, quoted):
    """Sentences that say which line or paragraph of a text lacks which number."""
    blocks = [" ".join(part.split()) for part in re.split(r"\n\n|\n(?=\|)", text)]
    for words, numbers in quoted:
        found = [block for block in blocks if words in block]
        if len(found) != 1:
            yield f"{len(found)} places have {words!r}: it must be one"
            continue
        for number in numbers:
            if not re.search(rf"(?<![\d.,]){re.escape(number)}", found[0]):
                yield f"{words!r} lacks {number!r}; it says: {found[0]}"


@pytest.mark.parametrize(
    ("page", "quoted"),
    [("README.md", accuracies), ("README.md", speeds), ("docs/speed.md", explorers)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_page_quotes_the_results(page, quoted):
    text = (ROOT / page).read_text(encoding="utf-8")
    lacking = list(missing_from(text, quoted()))
    assert not lacking, f"{page}:\n" + "\n".join(lacking)


# What the README states beside those: what it is computed from, or who says so
STATED = {
    "70,000": lambda: len(data.load_all_training()) + 10_000,
    "60,000": lambda: len(data.load_all_training()),
    "10,000": lambda: results.load("choices")["runs"][0]["validation_images"],
    "5,000": lambda: len(split().validation),
    "2.303": math.log(10),
    "100": recipes.WRITEUP_A.epochs,
    "99.5": "the aim; what was reached stands under Results",
    "99.51": "write-up A, after five epochs",
    "99.65": "the aim of the longer network; what was reached stands under Results",
    "3.11": "a version of Python",
    "3.14": "a version of Python",
    "3.0": "a version of a licence",
    "4.0": "a version of a licence",
}


def test_every_picture_of_the_readme_is_there():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((\.github/images/[\w.-]+)\)", text)
    assert len(pictures) == 3
    for path in pictures:
        assert (ROOT / path).is_file(), path


def test_every_number_of_the_readme_has_its_evidence():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
    known = {*STATED}
    for _, numbers in [*accuracies(), *speeds()]:
        known |= set(claims(" % ".join(numbers)))
    assert set(claims(text)) <= known, sorted(set(claims(text)) - known)


@pytest.mark.parametrize(
    "number", [n for n, source in STATED.items() if not isinstance(source, str)]
)
def test_stated_numbers_are_what_the_readme_says(number):
    source = STATED[number]
    value = source() if callable(source) else source
    assert f"{value:,.{len(number.partition('.')[2])}f}" == number


def test_a_number_that_a_text_lacks_is_named_with_its_place():
    text = "Read\nthe digits: 99.52 %.\n\n| one | 5 min |\n| two | 18 min |\n"
    right = [("the digits", ["Read the digits", "99.52 %"]), ("| two |", ["18 min"])]
    assert list(missing_from(text, right)) == []
    assert list(missing_from(text, [("| two |", ["8 min"]), ("| three |", ["5 min"])])) == [
        "'| two |' lacks '8 min'; it says: | two | 18 min |",
        "0 places have '| three |': it must be one",
    ]
