"""Results and hints as they are shown: for eyes, for screen readers, and in any terminal."""

import io
import re
import sys

import pytest
from doubling import EXERCISE, judged, right

from mnist_course.assessment import display
from mnist_course.assessment.verdict import Result, Verdict
from mnist_course.exercises import EXERCISES

SECTIONS = EXERCISE.sections


def both(result):
    """The page and the text of a result."""
    lines = display.lines_of(result, EXERCISE)
    return (
        display.as_html(lines, SECTIONS, result.verdict),
        display.as_text(lines, SECTIONS, result.verdict),
    )


def test_a_students_text_is_shown_as_it_is_and_not_as_marks():
    def answer(image, factor):
        raise KeyError("<b>[a](#pooling)</b> *c* `d`")

    page, text = both(judged(answer))
    assert "<b>" not in page
    assert page.count('href="#7.-Pooling"') == 1  # of the line "Read again"
    assert "<em>" not in page
    assert "[a](#pooling)" in text


@pytest.mark.parametrize(
    "answer",
    [
        "[a](#b)",
        {"[a](#b)": 1},
        lambda image, factor: "[a](#b)",
        lambda image, factor: {"[a](#b)": 1},
        lambda image, factor: type("[a](#b)", (), {})(),
        lambda image, factor: print("[a](#b) <b>"),
        lambda image, factor: vars()["[a](#b) <b>"],
    ],
)
def test_what_looks_like_a_link_to_nowhere_breaks_nothing(answer):
    for changed in ({}, {"reference": lambda image, factor: {"a": 1}, "mistakes": []}):
        page, text = both(judged(answer, **changed))
        assert "<b>" not in page
        assert 'href="#b"' not in page
        assert "Not right yet" in text
    assert display.plain("[a](#b)", SECTIONS) == "[a](#b)"
    assert display.rich("[a](#b)", SECTIONS) == "[a](#b)"


def test_results_are_readable_without_colour_and_by_a_screen_reader():
    page, text = both(judged(lambda image, factor: image + factor))
    assert 'role="status"' in page
    assert "background" not in page, "the page's own colours: both themes"
    assert re.search(r"[^-]color:black|[^-]color:white", page) is None
    assert '<a href="#7.-Pooling">Pooling</a>' in page
    for word in ("Not right yet", "expected", "yours", "[2, 4]", "[3, 4]", "You add."):
        assert word in page
        assert word in text
    assert re.findall(r'color:(#\w+)">', page) == [display.WRONG]
    assert text.startswith("✗ Exercise 02.9: Double. Not right yet.")


def test_a_right_answer_and_a_stub_have_one_line():
    assert both(judged(right))[1] == (
        "✓ Exercise 02.9: Double. Right on all 2 visible cases. 2 points."
    )
    one = Result("double", Verdict.UNSOLVED, 2)
    text = both(one)[1]
    assert text == (
        '○ Exercise 02.9: Double. Not solved yet. 2 points. `hint("double")` gives a hint.'
    )


def test_a_section_is_named_by_its_number_or_by_its_words():
    for mark, name in (
        ("[](#pooling)", "section 7"),
        ("[Section](#pooling)", "Section 7"),
        ("[](#end)", "“Summary”"),
        ("[the end](#end)", "the end (“Summary”)"),
        ("`[](#pooling)`", "`[](#pooling)`"),
    ):
        assert display.plain(mark, SECTIONS) == name
    assert display.rich("[](#pooling) *x* `y<`", SECTIONS) == (
        '<a href="#7.-Pooling">section 7</a> <em>x</em> <code>y&lt;</code>'
    )


def test_every_hint_can_be_shown():
    for exercise in EXERCISES.values():
        for text in (*exercise.hints, *(mistake.hint for mistake in exercise.mistakes)):
            assert "](#" not in display.plain(text, exercise.sections)
            assert "](#" not in display.rich(text, exercise.sections)


def contrast(colour, background):
    def luminance(hexadecimal):
        shares = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(colour), luminance(background)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [*display.COLOURS.values(), display.WRONG, display.NEUTRAL])
@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_signs_and_borders_stand_out_in_both_themes(colour, background):
    assert contrast(colour, background) >= 3  # WCAG 2.2, 1.4.11, for graphical objects


def said(coding, lines, monkeypatch):
    """What is printed on an output of this encoding."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=coding))
    display.display(lines, SECTIONS, Verdict.VALUE)
    sys.stdout.flush()
    return raw.getvalue().decode(coding)


@pytest.mark.parametrize("coding", ["ascii", "cp1252", "gbk", "latin-1", "utf-8", "utf-16"])
def test_every_output_takes_what_is_shown(coding, monkeypatch):
    lines = [("", "Not right → 中文 – “\ud800”"), ("yours", "é")]
    assert "Not right" in said(coding, lines, monkeypatch)


def test_an_output_without_an_encoding_takes_it_as_well(monkeypatch):
    output = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    display.display([("", "→ half a letter \ud800")], SECTIONS)
    assert output.getvalue() == "→ → half a letter ?\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_in_a_notebook_both_forms_are_shown(terminal, monkeypatch):
    """A terminal in which IPython runs may lack letters, and JSON takes no half of one."""
    import IPython

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: "a notebook")
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    if terminal:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    display.display([("", "→ half a letter \ud800")], SECTIONS)
    [data] = shown
    assert "half a letter ?" in data["text/html"].encode().decode()
    sign = "?" if terminal else "→"
    assert data["text/plain"] == f"{sign} {sign} half a letter ?"
