"""Answers that are alike after renaming are found, and what is alike by itself is not."""

import pytest

from mnist_course.exercises import EXERCISES
from mnist_course.grading import alike
from mnist_course.grading.marks import ExerciseMark, LessonMark, StudentMark

OWN_WAY = '''
def size_after(size: int, layers: list) -> int:
    """The size after all layers."""
    # go through them
    for index in range(len(layers)):
        size = (size + 2 * layers[index][1] - layers[index][0]) // layers[index][2] + 1
    return size
'''
RENAMED = """
%timeit size_after(28, [(5, 2, 1)])
def size_after(n, all_layers):
    for i in range(len(all_layers)):
        n = (n + 2 * all_layers[i][1]
             - all_layers[i][0]) // all_layers[i][2] + 1
    return n


size_after(28, [(5, 2, 1)])
"""
LIKE_THE_COURSE = """
def size_after(size, parts):
    for k, p, s in parts:
        size = (size + 2 * p - k) // s + 1
    return size
"""
LIKE_A_MISTAKE = LIKE_THE_COURSE.replace("2 * p", "p")
SHORT = "def size_after(size, layers):\n    return len(layers) + size * 3\n"


def student(key, *sources, verdict="passed", name="output-size"):
    marks = tuple(ExerciseMark(name, verdict, 1, 1, source=source) for source in sources)
    return StudentMark(key, key, "", 1, 1, (LessonMark("02", "02.ipynb", 1, 1, marks),))


def found(*marks):
    return alike.groups(marks, EXERCISES)


def test_an_answer_is_known_again_under_other_names():
    [group] = found(student("bo", RENAMED), student("ada", OWN_WAY), student("cy", SHORT))
    assert group.exercise == "output-size"
    assert group.students == ("ada", "bo")
    assert group.answered == 3
    assert group.right
    assert group.size == alike.shape(OWN_WAY).size > alike.FEWEST


def test_size_counts_the_pieces_of_the_bodies():
    """Return, Tuple and three names."""
    assert alike.shape("def f(a, b):\n    return a, b, a\n").size == 5


@pytest.mark.parametrize("source", [LIKE_THE_COURSE, LIKE_A_MISTAKE, SHORT])
def test_what_many_would_write_is_not_listed(source):
    assert found(student("ada", source), student("bo", source)) == []


def test_a_typical_mistake_in_an_unusual_form_is_listed():
    wrong = RENAMED.replace("2 * ", "")
    [group] = found(
        student("ada", wrong, verdict="a typical mistake"),
        student("bo", OWN_WAY.replace("2 * ", ""), verdict="a typical mistake"),
    )
    assert not group.right


@pytest.mark.parametrize(
    "other",
    [
        OWN_WAY.replace("+ 1", "+ 2"),
        OWN_WAY.replace("//", "/"),
        OWN_WAY.replace("range(len(layers))", "list(len(layers))"),
        OWN_WAY.replace("layers[index][1]", "layers[size][1]"),
    ],
)
def test_another_number_operator_function_or_variable_is_another_answer(other):
    assert found(student("ada", OWN_WAY), student("bo", other)) == []


def test_an_unchanged_stub_is_no_answer():
    assert found(*(student(key, OWN_WAY, verdict="unsolved") for key in ("ada", "bo"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "", "def f(:", "x = 1", "\0", "def f():\n    return " + "(" * 4000 + ")" * 4000,
        "def f():\n    return " + "+".join("1" * 4000), "def f():\n  return '\\d'", "%%time\n1",
        "def f():\n    return " + "-" * 9000 + "1",
    ],
)  # fmt: skip
def test_whatever_an_answer_holds_is_borne(source):
    assert found(student("ada", source), student("bo", source)) == []


def test_a_very_long_answer_is_not_looked_at():
    source = OWN_WAY + "    # " + "x" * alike.LONGEST
    assert alike.shape(OWN_WAY)
    assert alike.shape(source) is None


def test_pairs_who_share_several_answers_are_counted():
    groups = [alike.Group(name, ("ada", "bo"), 40, 9, True) for name in ("a", "b", "c")]
    groups.append(alike.Group("d", ("ada", "bo", "cy"), 40, 9, True))
    groups.append(alike.Group("e", tuple("abcdefgh"), 40, 9, True))  # too many to say anything
    assert alike.pairs(groups) == [("ada", "bo", 4)]
    assert alike.pairs(groups, least=1)[1:] == [("ada", "cy", 1), ("bo", "cy", 1)]


def test_the_order_of_the_students_changes_nothing():
    marks = [student("ada", OWN_WAY), student("bo", RENAMED), student("cy", OWN_WAY, SHORT)]
    assert found(*marks) == found(*marks[::-1])
