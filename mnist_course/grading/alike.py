"""Answers that are alike after renaming: something to look at, never a verdict.

Two students who solve a small exercise in the usual way write the same thing. So nothing is said of
answers that are very short, that look like the course's own answer or like one of the typical
mistakes, and of the others it is told how many students share them.
"""

import ast
import functools
import inspect
import re
import textwrap
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import combinations

from mnist_course.assessment.verdict import Verdict

FEWEST = 20  # pieces; many right answers that are shorter are alike by themselves
# Characters. No honest answer is longer, and the parser is written in C: what is nested too deeply
# for it might end this process, for which it takes more than this.
LONGEST = 10_000
SMALL_GROUP = 6  # students; what more of them share says little about any two


@dataclass(frozen=True)
class Group:
    """Students whose answers to one exercise are alike."""

    exercise: str  # its name
    students: tuple[str, ...]  # keys
    size: int  # pieces of syntax that are the same: names, numbers, operators, calls, …
    answered: int  # students whose answers to the exercise could be compared
    right: bool  # whether all of them passed


def groups(marks, exercises):
    """Answers that are alike, as `Group`s in the order of the exercises, the longest first.

    marks: of `StudentMark`; exercises: dict from name to `Exercise`.
    """
    answers = defaultdict(list)
    for student in marks:
        for lesson in student.lessons:
            for mark in lesson.exercises:
                if mark.verdict != Verdict.UNSOLVED.value and (found := shape(mark.source)):
                    answers[mark.exercise].append((found, student.key, mark))
    listed = []
    for name in (one for one in exercises if one in answers):
        usual = _usual(exercises[name])
        alike = defaultdict(list)
        for found, key, mark in answers[name]:
            if found.size >= FEWEST and found.text not in usual:
                alike[found].append((key, mark.verdict == Verdict.PASSED.value))
        several = [(found, sharing) for found, sharing in alike.items() if len(sharing) > 1]
        for found, sharing in sorted(several, key=lambda one: (-one[0].size, one[0].text)):
            keys = tuple(sorted(key for key, _ in sharing))
            right = all(passed for _, passed in sharing)
            listed.append(Group(name, keys, found.size, len(answers[name]), right))
    return listed


def pairs(found, least=3):
    """Pairs of students who share at least `least` answers that few others share.

    found: of `Group`. Returns (key, key, how many), the most first.
    """
    shared = Counter(
        pair
        for group in found
        if len(group.students) <= SMALL_GROUP
        for pair in combinations(group.students, 2)
    )
    most = [(*pair, count) for pair, count in shared.items() if count >= least]
    return sorted(most, key=lambda one: (-one[2], one))


@dataclass(frozen=True)
class Shape:
    """An answer without its own names, comments and layout."""

    text: str
    size: int  # pieces of syntax


def shape(source):
    """The `Shape` of the functions and classes in an answer's cells; None when there are none.

    Docstrings, annotations and everything outside of functions and classes are left out. None also
    for what is no Python, or very long.
    """
    if len(source) > LONGEST:
        return None
    source = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a student's "\d" is no matter of the teacher's
            tree = ast.parse(source)
        defined = [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
        return _shape(defined) if defined else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _shape(defined):
    tree = _Bare().visit(ast.Module(defined, []))
    tree = _Renamed(_own_names(tree)).visit(tree)
    inside = (node for statement in tree.body for part in statement.body for node in ast.walk(part))
    size = sum(not isinstance(node, ast.expr_context) for node in inside)
    return Shape(ast.dump(tree), size)


class _Bare(ast.NodeTransformer):
    """Takes out what changes nothing: docstrings, annotations, texts that stand alone."""

    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_arg(self, node):
        return ast.arg(node.arg)

    def visit_AnnAssign(self, node):
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def visit_FunctionDef(self, node):
        node.returns = None
        return self.generic_visit(node)


def _own_names(tree):
    """What the answer itself names: functions, arguments, variables; not torch or len."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
    return names


class _Renamed(ast.NodeTransformer):
    """Calls the answer's own names by the order in which they come."""

    def __init__(self, own):
        self.own = own
        self.places: dict[str, str] = {}

    def _renamed(self, name):
        return self.places.setdefault(name, f"{len(self.places)}") if name in self.own else name

    def visit_Name(self, node):
        node.id = self._renamed(node.id)
        return node

    def visit_arg(self, node):
        node.arg = self._renamed(node.arg)
        return node

    def visit_FunctionDef(self, node):
        node.name = self._renamed(node.name)
        return self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef


@functools.cache
def _usual(exercise):
    """The shapes of the course's own answer and of the typical mistakes, as texts."""
    functions = [exercise.reference, *(mistake.function for mistake in exercise.mistakes)]
    return {found.text for function in functions if (found := _of_the_course(function))}


def _of_the_course(function):
    """The shape of a function of the course; None for one in a single expression."""
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):  # it was made by a call, or its file is gone
        return None
    if "def " not in source:
        return None
    return shape(source[source.index("def ") :])
