"""Every number that the prose states is computed, or stands in the cell beside it.

A number counts when it has a decimal point, a percent sign or at least three digits. It must be
filled in from mnist_course/results/ by a mark, or listed below with what it is computed from or who
says so. In a lesson it may also be printed by a checked cell or written in the code.
"""

import ast
import math
import re
import statistics
from collections import Counter
from functools import cache
from pathlib import Path

import make_pages
import nbformat
import pytest
import torch

from mnist_course import data, metrics, models, recipes, results
from mnist_course.board import bodies, server
from mnist_course.exercises import EXERCISES

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
NOT_A_CLAIM = re.compile(
    r"https?://\S+|\]\([^)]*\)|zhuanlan\S+"  # links
    r"|\(\d{4}\)|[Ii]n \d{4}\b|2025-09-19"  # years
    r"|m0_\d+|section \d+\.\d+|[Ee]xercise \d+\.\d"  # an author, a section of a book, an exercise
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


def flat_rates():
    """The learning rates of LeNet-5's search that end within a tenth of the best loss."""
    search = results.load("rates")["searches"]["lenet5"]
    best = min(max(losses) for losses in search["losses"])
    pairs = zip(search["rates"], search["losses"], strict=True)
    return [rate for rate, losses in pairs if max(losses) < 1.1 * best]


def largest_rate_that_learns():
    search = results.load("rates")["searches"]["lenet5"]
    return max(
        r for r, losses in zip(search["rates"], search["losses"], strict=True) if losses[0] < 1
    )


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
        "784,000": 1000 * 28 * 28,
        "252": math.comb(10, 5),
    },
    "02": {
        "784": 28 * 28,
        "78,400": 100 * 28 * 28,
        "1,881,600": 6 * 14 * 14 * 16 * 10 * 10,
        "2,400": conv(6, 16, 5, bias=False),
        "4,608": conv(16, 32, 3, bias=False),
        "4,640": conv(16, 32, 3),
        "676": 26 * 26,
        "0.4": 0.1 * 4,
        "0.2": 5 * 0.04,  # five times the learning rate of section 8: it diverges, tested below
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
        "61,225": lambda: sum(p.numel() for p in models.mlp().parameters()),
        "1.386": math.log(4),
        "1.461": math.log(math.e + 9) - 1,
        "2.7": math.e,
        "3.622": math.log(math.e + 99) - 1,
        "0.6": lambda: flat_rates()[0],
        "1.5": lambda: flat_rates()[-1],
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
        "0.045": 0.1 / math.sqrt(5),
        "0.063": math.hypot(0.1 / math.sqrt(5), 0.1 / math.sqrt(5)),
        "1.5": largest_rate_that_learns,
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
        "1,168": 2 * conv(8, 8, 3),
    },
    "06": {
        "60,000": lambda: len(data.load_all_training()),
        "5,000": lambda: len(split().validation),
        "0.15": 100 * 15 / 10_000,
        "99.85": 100 * (1 - 15 / 10_000),
        "99.86": 100 * (1 - 7 / 5_000),  # seven: in test_lesson_errors
        "0.955": 1 - 0.05 + 0.05 / 10,
    },
    "07": {
        "60,000": lambda: len(data.load_all_training()),
        "55,000": lambda: len(split().train),
        "5,000": lambda: len(split().validation),
        "2.303": math.log(10),
        "0.08": 0.7**7,  # of the first rate, and what eight epochs at 0.01 add up to
        "0.031": sum(0.01 * 0.7**epoch for epoch in range(8)),
        "68": lambda: 100 * metrics.interval(33, 40)[0],
        "91": lambda: 100 * metrics.interval(33, 40)[1],
        "0.1307": data.MEAN,
        "0.3081": data.DEVIATION,
        "0.2": 0.1 / (1 - 0.5),
    },
    "08": {},  # its numbers are marks, or stand in its code
}

# What others report or a question assumes: nothing here could compute it.
QUOTED = {
    "01": {
        "98": "the made-up networks of section 12 have it; their code says 0.98",
        "0.2": "a shift that is tried, in test_lesson_experiments",
    },
    "03": {"1998": "a year", "95": "the usual confidence"},
    "04": {
        "3.03": "write-up C shows it as a probability",
        "98.9": "question 4 assumes it",
        "99.0": "the same",
        "99": "what tutorials report, rounded",
    },
    "05": {
        "2015": "a year",
        "95": "the usual confidence",
        "9,950": "the exercise's example and question 3 assume it",
        "99.51": "write-up A, after five epochs",
        "99.65": "the aim of the longer network; what was reached stands in the table",
        "99.68": "write-up A, the best of its 100 epochs",
        "99.64": "write-up A, its last epoch",
        "97.5": "write-up E, its base",
        "98.7": "write-up E, with all its steps",
    },
    "06": {
        "2021": "a year",
        "10,000": "images of MNIST's test set",
        "95": "the usual confidence, and what smoothing asks for, rounded",
        "2020": "a year",
        "99.91": "An et al. (2020), in their abstract",
        "99.8": "an accuracy that is assumed",
        "100": "a faulty confidence",
        "80": "a confidence that is assumed",
        "20": "the end of a bin",
        "10": "the end of a bin",
        "90": "a confidence: assumed, or one that test_lesson_errors looks up",
        "160": "epochs that were tried, in test_lesson_errors",
        "0.2": "a smoothing that was tried, in test_lesson_errors",
        "0.5": "question 5 assumes it",
    },
    "07": {
        "10,000": "images of Fashion-MNIST's test set",
        "1998": "a year",
        "0.09": "a rate that was tried, in test_lesson_fashion",
        "94.9": "ResNet-18, on the test set; the page of Fashion-MNIST lists it",
        "83.5": "people, on 1,000 test images; the page of Fashion-MNIST lists it",
        "80": "write-up D, its first model",
        "90": "write-up D, its second and third model",
        "95": "the usual confidence",
        "99": "question 1 assumes it",
        "78": "the same",
        "92": "question 5 assumes it",
        "0.3": "question 3 assumes it",
    },
    "08": {
        "3.03": "write-up C shows it as a probability",
        "79": "question 3 assumes it",
        "500": "drawings that were tried, in research/mended.py",
        "4,000": "digits that were tried, in research/mended.py",
        "250": "the same",
        "90": "an accuracy that is assumed: nine of ten digits",
        "99": "an accuracy that is assumed",
        "99.5": "what courses report, and question 3 assumes it",
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


def test_what_lesson_03_says_of_the_search_for_learning_rates_is_so():
    search = results.load("rates")["searches"]["lenet5"]
    assert 0.9 in flat_rates()
    assert search["epochs"] == 2
    assert all(len(losses) == 1 for losses in search["losses"])  # "one run with each rate"
    for losses in (search["losses"][0], search["losses"][-1]):
        assert losses[0] == pytest.approx(math.log(10), abs=0.01)


def test_what_lesson_03_says_of_moved_digits_is_so():
    rows = results.load("shift")["rows"]
    lenet5, mlp = (rows[name]["shifted"]["accuracies"] for name in ("lenet5", "mlp"))
    by_shift = list(zip(zip(*lenet5, strict=True), zip(*mlp, strict=True), strict=True))
    ours, theirs = by_shift[0]
    assert min(ours) < max(theirs)  # they overlap: unclear
    assert min(theirs) < max(ours)
    for ours, theirs in by_shift[1:]:
        assert min(ours) > max(theirs)
    assert rows["mlp"]["seconds_an_epoch"] < rows["lenet5"]["seconds_an_epoch"] / 3
    [lesson] = (path for path in LESSONS if path.stem.startswith("03"))
    [alt] = re.findall(
        r'alt="(Both lines begin.*?)"\)', lesson.read_text(encoding="utf-8"), re.DOTALL
    )
    alt = re.sub(r'"\s+"', "", alt)
    stated = [int(number) for number in re.findall(r"(\d+) %", alt)]
    means = [[round(100 * statistics.mean(runs)) for runs in pair] for pair in by_shift]
    assert stated == [means[0][0], *means[2], *means[4]]


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


def test_what_lesson_05_says_of_its_figures_is_so():
    """One rule: a difference is settled when it is more than twice its spread."""

    def times(base, new):
        gain, spread = metrics.gain(base, new)
        return gain / spread

    ours, fast, small, vote, uncut = (
        results.load(topic)["rows"][row]["test"]
        for topic, row in (
            ("residual", "residual"),
            ("residual-fast", "residual-fast"),
            ("residual-small", "residual-small"),
            ("residual-long", "residual-long"),
            ("residual-first", "residual"),
        )
    )
    assert times(ours["accuracies"], uncut["accuracies"]) > 2  # the cut "was not free"
    assert abs(times(ours["accuracies"], fast["accuracies"])) < 2  # "not settled"
    assert abs(times(ours["accuracies"], small["accuracies"])) < 2  # "not settled"
    assert times(ours["accuracies"], vote["accuracies"]) > 2  # "settled"
    for kind in ("seeds", "images"):  # 99.5 % "lies inside both intervals"
        low, high = ours["text"][kind].split(" to ")
        assert float(low) < 99.5 < float(high)
    assert abs(100 * ours["mean"] - 99.51) < 0.05  # "equally good as far as anyone can tell"
    assert results.load("ablation")["rows"]["base"]["mean"] > 0.987  # E's base, repeated


# --- README and docs ----------------------------------------------------------------------

# What a page states in digits of its own: what it is computed from, or who says so
STATED = {
    "70,000": lambda: len(data.load_all_training()) + 10_000,
    "60,000": lambda: len(data.load_all_training()),
    "55,000": lambda: len(split().train),
    "10,000": 10_000,  # test images, and as many in a cut: tests of data and of choices
    "5,000": lambda: len(split().validation),
    "2.303": math.log(10),
    "100": recipes.WRITEUP_A.epochs,
    "1,000,000": bodies.MOST_BYTES,
    "16,000,000": server.MOST_BUFFERED,
    "200": server.CONNECTIONS,
    "4,000": bodies.MOST_POINTS,
    "1,000": bodies.LONGEST_SIDE,
    "0.33": 1 / 3,  # points, for three hidden cases that are worth one in all
    "0.34": 1 - 2 * 0.33,
    "255": "the brightest byte",
    "95": "the usual confidence",
    "99.5": "the aim; what was reached stands in the table",
    "99.51": "write-up A, after five epochs",
    "400": "the aim for the time of a training; what was reached stands in the table",
    "11,182": lambda: sum(
        parameter.numel() for parameter in models.small_residual_network(12).parameters()
    ),
    "1.0": "the version of d2l, 1.0.3",
    "2.13": "a version of torch",
    "2.14": "a version of torch",
    "3.11": "a version of Python",
    "3.12": "a version of Python",
    "3.13": "a version of Python",
    "3.14": "a version of Python",
    "3.0": "a version of a licence",
    "4.0": "a version of a licence",
}


@pytest.mark.parametrize("source", make_pages.SOURCES, ids=lambda path: path.name)
def test_a_page_is_what_its_source_makes(source):
    page = make_pages.page_of(source)
    assert page.read_text(encoding="utf-8") == make_pages.text_of(source), "make notebooks"


def test_pages_with_numbers_are_made():
    pages = {make_pages.page_of(source).name for source in make_pages.SOURCES}
    assert {"README.md", "results.md", "speed.md"} <= pages


@pytest.mark.parametrize("source", make_pages.SOURCES, ids=lambda path: path.name)
def test_every_number_of_a_page_is_filled_in_or_stated(source):
    text = source.read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|`[^`]*`", " ", text, flags=re.DOTALL)
    assert set(claims(text)) <= STATED.keys(), sorted(set(claims(text)) - STATED.keys())


@pytest.mark.parametrize(
    "number", [n for n, source in STATED.items() if not isinstance(source, str)]
)
def test_stated_numbers_are_what_the_pages_say(number):
    source = STATED[number]
    value = source() if callable(source) else source
    assert f"{value:,.{len(number.partition('.')[2])}f}" == number


@pytest.mark.parametrize("topic", ["residual", "residual-fast", "residual-long", "residual-small"])
def test_a_headline_states_its_spread_in_points_and_both_intervals(topic):
    stored = results.load(topic)["rows"][topic]
    test, size = stored["test"], f"{stored['parameters']:,}"
    text = " ".join((ROOT / "docs" / "results.md").read_text(encoding="utf-8").split())
    [paragraph] = re.findall(rf"{size} parameters, [^`]*`make results ARGS={topic}`", text)
    assert f"{test['text']['mean']} % of the test set" in paragraph
    assert f"a standard deviation of {test['text']['deviation']} points" in paragraph
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    cells = [f"{test['text'][key]} %" for key in ("mean", "seeds", "images")]
    assert f"{stored['epochs']} epochs | {' | '.join([size, *cells])} |" in readme
    assert all(cell in paragraph for cell in cells)
    assert test["count"] == 10


def test_the_readme_counts_the_exercises_of_each_lesson():
    counted = Counter(exercise.lesson for exercise in EXERCISES.values())
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \|.*\| (\d+) \|$", text, re.MULTILINE)
    assert dict(rows) == {lesson: str(count) for lesson, count in counted.items()}


def test_the_readme_plans_the_hours_that_the_lessons_say():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d\d) \|.*\| (\d+) h \|", text, re.MULTILINE)
    said = {}
    for path in LESSONS:
        [said[path.stem[:2]]] = re.findall(
            r"\*\*Time to plan\*\* \| about (\d+) hours", path.read_text(encoding="utf-8")
        )
    assert dict(rows) == said


def test_what_is_said_of_the_second_try_is_so():
    stored = results.load("residual-long")
    [first_try] = stored["earlier_networks"].values()
    assert first_try["gain"] < 2 * first_try["gain_spread"]  # "not settled", by the course's rule
    assert 0 < stored["rows"]["residual-long"]["test"]["aim"]["spreads_above"] < 1  # "barely there"


LINKING = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(path for path in sorted((ROOT / "docs").glob("*.md")) if not path.name.endswith(".in.md")),
]


@pytest.mark.parametrize("page", LINKING, ids=lambda path: path.name)
def test_what_a_page_links_is_there(page):
    text = re.sub(r"```.*?```|`[^`]*`", " ", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and "{{" not in target:
            assert (page.parent / target).exists(), target


def test_every_picture_is_shown_somewhere():
    text = "".join(page.read_text(encoding="utf-8") for page in LINKING)
    for path in (ROOT / ".github" / "images").iterdir():
        assert f"images/{path.name})" in text, path.name
