"""Every number that the prose states is computed, or stands in the cell beside it.

A number counts when it has a decimal point, a percent sign or at least three digits. In a
lesson it must be one of these: filled in from mnist_course/results/ by a mark, printed by a
checked cell, written in the code, or listed below with what it is computed from.
"""

import math
import re
from pathlib import Path

import nbformat
import pytest
import torch

from mnist_course import data, metrics, models, results

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "lessons").glob("*.py"))
NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
NOT_A_CLAIM = re.compile(
    r"https?://\S+|\]\([^)]*\)|zhuanlan\S+"  # links
    r"|\(\d{4}\)|[Ii]n \d{4}\b|2025-09-19"  # years
    r"|m0_\d+|section \d+\.\d+|Exercise \d+\.\d"  # an author, a section of a book, an exercise
    r"|\{\{.*?\}\}"  # filled in from the results
)


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
        "55,000": 55_000,
        "5,000": 5_000,
        "10,000": 10_000,
        "11.24": share_of_ones,
        "256": 256,  # 256³ is how a byte counts
        "255": 255,  # the largest byte
        "234": 0xEA,
        "180": 180,  # half a turn
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
        "5,000": 5_000,
        "48,120": 400 * 120 + 120,
        "61,706": lambda: sum(p.numel() for p in models.lenet5().parameters()),
        "2,572": conv(1, 6, 5) + conv(6, 16, 5),
        "156": conv(1, 6, 5),
        "61,610": 61_706 - conv(1, 6, 5) + conv(1, 6, 3),
        "200": 100 + 100,
    },
    "04": {
        "2.303": math.log(10),
        "0.25": 0.25,
        "55,000": 55_000,
        "1,000": 1_000,
        # what write-up E reports
        "97.5": 97.5,
        "98.2": 98.2,
        "98.5": 98.5,
        "98.7": 98.7,
        "1.2": 98.7 - 97.5,
        "3.03": 3.03,  # a raw output that write-up C shows
        "2.8": 0.1 * 28,
        "1.4": math.sqrt(2),
        "5,000": 5_000,
        # a thought experiment, and what follows from it
        "98.9": 98.9,
        "99.0": 99.0,
        "99": 99,
        "0.4": 0.2 + 0.2,
        "0.05": 0.1 / math.sqrt(4),
        "0.07": math.hypot(0.05, 0.05),
    },
    "05": {
        "2.303": math.log(10),
        "55,000": 55_000,
        "10,000": 10_000,
        "9,000": 9_000,
        "9,950": 9_950,
        "99.34": lambda: 100 * metrics.interval(9_950, 10_000)[0],
        "99.62": lambda: 100 * metrics.interval(9_950, 10_000)[1],
        "38,522": lambda: sum(p.numel() for p in models.residual_network().parameters()),
        "0.955": 1 - 0.05 + 0.05 / 10,
        "0.28": -(0.955 * math.log(0.955) + 9 * 0.005 * math.log(0.005)),
        "0.005": 0.05 / 10,
        "512": conv(16, 32, 1, bias=False),
        "99.68": 99.68,  # what write-up A reports, its best
        "99.64": 99.64,  # and its last
        "99.5": 99.5,  # the aim
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
    """All numbers in a lesson's code and in the outputs of its checked cells."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{lesson.stem}.ipynb", as_version=4)
    text = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            text += [cell.source, *(output.get("text", "") for output in cell.outputs)]
    return {
        n.replace("_", "").replace(",", "")
        for n in re.findall(r"\d[\d_,]*(?:\.\d+)?", "\n".join(text))
    }


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_number_of_a_lesson_has_its_evidence(lesson):
    known = evidence(lesson) | {n.replace(",", "") for n in COMPUTED[lesson.stem[:2]]}
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


def test_the_readme_quotes_the_results():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    row = results.load("residual")["rows"]["residual"]["test"]
    assert f"{row['mean']:.2%}".replace("%", " %") in text
    for accuracy in row["accuracies"]:
        assert f"{100 * accuracy:.2f}" in text
    for name, table in results.load("bench")["tables"].items():
        assert f"{table['ratio']:.3g}" in text, f"README lacks the ratio of {name}"
    for number, lesson in results.load("lessons").items():
        if number.isdigit():
            assert f"{lesson['minutes']} min" in text
