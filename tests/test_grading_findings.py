"""What a worker tells becomes a finding: plain, short, steady texts, and outcomes."""

import dataclasses
import json

import pytest
import torch
from doubling import EXERCISE, through_json

from mnist_course.assessment.observation import Ending, Observation, observe
from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading import findings
from mnist_course.grading.findings import Finding, best, judged, outcomes, source_of
from mnist_course.grading.notebooks import Cell

ROWS = [[{"tensor": [7.25], "dtype": "float32"}, 5], [{"tensor": [1.0], "dtype": "float32"}, 9]]


@pytest.fixture(autouse=True)
def table(monkeypatch):
    monkeypatch.setitem(findings.EXERCISES, "double", EXERCISE)
    findings.hidden_exercises.cache_clear()


def told(answer, rows=()):
    """What a worker tells of an answer: on the visible cases, and then on the hidden ones."""
    hidden = findings.hidden_exercises("double", json.dumps(list(rows)))
    cases = (*EXERCISE.cases, *(one.cases[0] for one in hidden))
    attempt = observe(EXERCISE, answer, cases)
    return {"attempt": json.loads(json.dumps(through_json(attempt).encoded()))}


def test_a_right_answer_is_told_how_many_cases_there_were():
    [found] = judged(EXERCISE, [told(lambda image, factor: image * factor)])
    assert found.verdict is Verdict.PASSED
    assert (found.remark, found.hint) == ("", "")
    assert found.explanation == "Right on all 2 visible cases."


def test_a_wrong_answer_is_shown_the_call():
    [found] = judged(EXERCISE, [told(lambda image, factor: image + factor)])
    assert (found.verdict, found.mistake) == (Verdict.MISTAKE, "sum")
    assert found.hint == found.remark == "You add."
    assert found.explanation.startswith("Not right yet.\n")
    assert "on: double(image, factor)" in found.explanation.splitlines()
    assert any(line.startswith("expected: ") for line in found.explanation.splitlines())


def loud(image, factor):
    raise ValueError(f"at 0x7f00{id(image):x} \x1b[2J\ud800 {factor}\r\n")


def test_texts_hold_no_control_characters_and_no_addresses():
    [found] = judged(EXERCISE, [told(loud)])
    for text in (found.remark, found.explanation):
        assert text.encode()
        assert "\x1b" not in text
        assert "at 0x…" in text
    assert "\n" not in found.remark


@pytest.mark.parametrize(
    "one",
    [
        {"attempt": None}, {"attempt": {"kind": "answer"}}, {"attempt": 3},
        {"attempt": {"kind": "answer", "described": "", "observations": [{}]}},
    ],
)  # fmt: skip
def test_what_is_no_record_of_an_attempt_disturbed_the_check(one):
    [found] = judged(EXERCISE, [one])
    assert found.remark == "it disturbed its check"
    assert outcomes(EXERCISE, [one], 0, ROWS) == ("not run", "not run")


def test_cells_that_stop_are_told():
    [found] = judged(EXERCISE, [{"error": "its cell stops", "verdict": "out of time"}])
    assert found == Finding(Verdict.TIME, "its cell stops", "Its cell stops.")


def test_the_best_of_several_counts():
    right, wrong = Finding(Verdict.PASSED), Finding(Verdict.VALUE)
    unsolved, unknown = Finding(Verdict.UNSOLVED), Finding(Verdict.NOT_JUDGED)
    better = dataclasses.replace(right, hidden=("failed", "passed"))
    assert best([unsolved, unknown, wrong, right, better]) is better
    assert best([unsolved, unknown, wrong]) is wrong
    assert best([unsolved, unknown]) is unknown
    first = dataclasses.replace(wrong, remark="first")
    assert best([first, wrong]) is first
    assert best([]).verdict is Verdict.UNSOLVED


# --- hidden cases -------------------------------------------------------------------------


def crash(image, factor):
    return image * factor if factor < 5 else image[99]


def loop(image, factor):
    while factor > 4:
        pass
    return image * factor


def flood(image, factor):
    if factor > 4:
        print("x" * 200_000)
    return image * factor


def learned(image, factor):
    return image * factor if factor != 9 else image


OUTCOMES = {
    crash: ("crashed", "crashed"),
    loop: ("out of time", "not run"),  # no further case is tried after this one
    flood: ("printed too much", "not run"),
    learned: ("passed", "failed"),
    loud: ("crashed", "crashed"),
}


@pytest.mark.parametrize("answer", OUTCOMES)
def test_the_outcome_of_each_hidden_case(answer):
    assert outcomes(EXERCISE, [{}, told(answer, ROWS)], 1, ROWS) == OUTCOMES[answer]


def test_an_attempt_that_ends_early_or_is_missing_was_not_run():
    right = told(lambda image, factor: image * factor, ROWS)
    assert outcomes(EXERCISE, [right], 0, ROWS) == ("passed", "passed")
    right["attempt"]["observations"].pop()
    assert outcomes(EXERCISE, [right], 0, ROWS) == ("passed", "not run")
    assert outcomes(EXERCISE, [right], 1, ROWS) == ("not run", "not run")
    assert outcomes(EXERCISE, [], 0, ROWS) == ("not run", "not run")
    ended = [{"error": "it ended Python", "verdict": "ended Python"}]
    assert outcomes(EXERCISE, ended, 0, ROWS) == ("not run", "not run")


def test_every_ending_has_an_outcome_of_the_six():
    six = {"passed", "failed", "crashed", "out of time", "printed too much", "not run"}
    assert {findings.OUTCOMES.get(one, "failed") for one in Verdict} == six
    for ending in Ending:
        row = Observation(ending, classes=("builtins.ValueError",)).__dict__
        assert row["ending"] is ending


def test_findings_survive_json():
    found = Finding(Verdict.VALUE, "a", "b", "c", "d", ("passed",), "e", 0.5)
    assert Finding.decoded(json.loads(json.dumps(found.encoded()))) == found


# --- the source ---------------------------------------------------------------------------


def test_the_cells_of_an_answer_are_found_by_ids_and_by_name():
    leaky = EXERCISES["leaky-relu"]
    by_id, by_name = Cell("def leaky_relu(): 1", "leaky-relu", ""), Cell("leaky_relu = 2", "x", "")
    other = Cell("leaky_relu(3)", "y", "")
    assert source_of([other, by_name, by_id], leaky) == "def leaky_relu(): 1"
    assert source_of([other, by_name], leaky) == "leaky_relu = 2"
    assert source_of([other], leaky) == ""
    stub = Cell("# nothing", "leaky-relu", "")
    assert source_of([stub, by_name], leaky) == "leaky_relu = 2"
    assert source_of([stub], leaky) == "# nothing"
    hostile = Cell("def leaky_relu():\x00\ud800" + "(" * 100_000, "leaky-relu", "")
    text = source_of([hostile], leaky)
    assert text.encode()
    assert len(text) <= findings.SOURCE


def test_a_tensor_as_an_answer_is_no_function():
    [found] = judged(EXERCISE, [told(torch.ones(2))])
    assert found.verdict is Verdict.TYPE
