"""A teacher's policy: read from a file, named where it can't be used, and what it makes of it."""

import tomllib
from pathlib import Path

import pytest

from mnist_course import runtime
from mnist_course.exercises import EXERCISES
from mnist_course.grading import policy
from mnist_course.grading.policy import Policy, case_counts, rounded
from mnist_course.grading.submissions import Submission

LEAKY, STOPPING = EXERCISES["leaky-relu"], EXERCISES["early-stopping"]


@pytest.fixture
def written(tmp_path):
    """A function that writes a policy and reads it."""

    def read(text):
        path = tmp_path / "policy of mine.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return policy.read(path)

    return read


def test_without_a_file_every_lesson_is_graded_with_the_course_s_own_points():
    default = policy.read()
    assert default == Policy()
    assert default.lessons == tuple(sorted({one.lesson for one in EXERCISES.values()}))
    assert default.exercises() == list(EXERCISES.values())
    assert all(default.possible(one) == one.points for one in EXERCISES.values())
    assert all(default.costs(one) == [] for one in EXERCISES.values())
    assert default.after_late_rule(10.0) == 10.0


def test_the_example_says_every_key_and_can_be_used():
    said = tomllib.loads(policy.EXAMPLE.read_text("utf-8"))
    assert said.keys() == {"lessons", "hidden_share", "points", "weights", "late", "cases"}
    assert said["late"].keys() == {"percent", "students", "excused"}
    example = policy.read(policy.EXAMPLE)
    assert example.lessons == tuple(said["lessons"])
    assert example.possible(LEAKY) == 2
    assert example.weight("05") == 2
    assert example.weight("04") == 1
    assert case_counts(example)["leaky-relu"] == (len(LEAKY.cases), 2)
    assert case_counts(example)["running-mean"] == (len(EXERCISES["running-mean"].cases), 0)
    tabled = Path(policy.EXAMPLE).read_text("utf-8")
    assert all(len(line) <= 100 for line in tabled.splitlines())


def test_the_defaults_that_the_example_states_are_the_defaults(written):
    said = tomllib.loads(policy.EXAMPLE.read_text("utf-8"))
    assert set(said["lessons"]) < set(Policy().lessons), "it chooses some"
    assert said["hidden_share"] == Policy().hidden_share
    assert written("") == Policy()
    assert written(b"\xef\xbb\xbf" + b"hidden_share = 0.25\r\n").hidden_share == 0.25


BAD = {
    "lessons = 5": "lessons is 5, but a list",
    'lessons = ["1"]': "lessons is ['1']",
    "lessons = []": "lessons is []",
    "lessons = [[1]]": "lessons is [[1]]",
    "weight = {}": "weight is unknown; the keys here are lessons, points, weights",
    "[points]\nleaky-rule = 1": "points.leaky-rule is unknown",
    "[points]\nleaky-relu = -1": "points.leaky-relu is -1, but a number from 0",
    "[points]\nleaky-relu = true": "points.leaky-relu is True, but a number",
    "[points]\nleaky-relu = inf": "points.leaky-relu is inf, but a number",
    "[points]\nleaky-relu = nan": "points.leaky-relu is nan, but a number",
    'points = "many"': "points is 'many', but a table",
    '[weights]\n"99" = 2': "weights.99 is unknown",
    "hidden_share = 2": "hidden_share is 2, but a number from 0 to 1",
    "[late]\npercent = 200": "late.percent is 200, but a number from 0 to 100",
    "[late]\ndays = 2": "late.days is unknown",
    "[late]\nstudents = [4711]": "late.students is [4711], but a list of texts",
    "[cases]\nleaky-rule = []": "cases.leaky-rule is unknown",
    "[cases]\nleaky-relu = 3": "cases.leaky-relu, a list of cases",
    "[cases]\nleaky-relu = [[1]]": "cases.leaky-relu, case 1: a list of 2 values",
    '[cases]\nleaky-relu = [[{ tensor = [1], dtype = "load" }, 2]]': "case 1: no dtype 'load'",
    "[cases]\nleaky-relu = [[2026-11-26, 1]]": "case 1: 2026-11-26 is no number",
    "hidden_share = \n": "line 1",
    "lessons = ['01']\nlessons = ['02']\nhidden_share = 1\n": "line 2",
    "lessons = " + "[" * 5_000: "too deep",
    b"\xff": "not in UTF-8",
}


@pytest.mark.parametrize("text", BAD, ids=[str(number) for number in range(len(BAD))])
def test_a_file_that_can_t_be_used_is_named_with_the_place_and_what_to_do(text, written):
    with pytest.raises(runtime.CourseError) as error:
        written(text)
    said = str(error.value)
    assert "policy of mine.toml can't be used" in said
    assert BAD[text] in said
    assert "grade --example-policy" in said


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(runtime.CourseError, match="can't be used"):
            policy.read(path)


def test_points_are_rounded_to_two_decimals_and_halves_go_up():
    assert [rounded(one) for one in (0.125, 0.135, 2.675, 1 / 3, 2, 0.1 + 0.2)] == [
        0.13, 0.14, 2.68, 0.33, 2.0, 0.3,
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3, 7])
@pytest.mark.parametrize("share", [0, 0.5, 1])
@pytest.mark.parametrize("points", [1, 2.5, 10])
def test_what_hidden_cases_cost_adds_up_to_their_share(count, share, points):
    rows = [[[0.5], 1]] * count
    own = Policy(
        points={"early-stopping": points}, hidden_share=share, cases={"early-stopping": rows}
    )
    costs = own.costs(STOPPING)
    assert len(costs) == count
    assert rounded(sum(costs)) == rounded(points * share)
    assert max(costs) - min(costs) < 0.015  # as alike as cents allow


def test_who_is_late_is_said_by_the_platform_and_by_the_policy():
    own = Policy(late_percent=20, late_students=frozenset({"7"}), excused=frozenset({"Eve"}))
    assert not own.is_late(Submission("Ada", "5"))
    assert own.is_late(Submission("Ada", "5", late=True))
    assert own.is_late(Submission("Ada", "7"))
    assert not own.is_late(Submission("Eve", "7", late=True))
    assert own.after_late_rule(10.01) == 8.01
    assert not Policy(late_students=frozenset({""})).is_late(Submission("Ada"))
