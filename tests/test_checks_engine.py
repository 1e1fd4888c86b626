"""The machinery of the checks: tables, comparing, hints, display, strict mode, further cases."""

import collections
import copy
import dataclasses
import functools
import importlib
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
import numpy
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from mnist_course import checks, data
from mnist_course.checks import comparing, judging, running, showing
from mnist_course.checks.exercise import Case, Exercise, Mistake

ROOT = Path(__file__).parent.parent
EXERCISES = list(checks.EXERCISES.values())
MISTAKES = [(exercise, mistake) for exercise in EXERCISES for mistake in exercise.mistakes]
every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.name)


def double(image, factor):
    return image * factor


TABLE = Exercise(
    name="double",
    number="02.9",
    title="Double",
    points=2,
    paragraph="7. Pooling",
    reference=double,
    cases=(
        Case((torch.tensor([1.0, 2.0]), 2)),
        Case((torch.tensor([[3.0, -1.0], [0.5, 4.0]]), 3)),
    ),
    mistakes=(
        Mistake("sum", lambda image, factor: image + factor, "You add."),
        Mistake("square", lambda image, factor: image * image, "You take the square."),
        Mistake("too flat", lambda image, factor: image[0] * factor, "One row alone."),
    ),
    hints=("light", "medium", "strong"),
    package=("data.scale", "models.ResidualBlock"),
)


def judge(answer, further=(), **changed):
    return judging.judge(dataclasses.replace(TABLE, **changed), answer, further)


# --- the tables ---------------------------------------------------------------------------


@every_exercise
def test_a_row_of_the_table_is_complete(exercise):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", exercise.name)
    assert re.fullmatch(r"0[1-5]\.[1-5]", exercise.number)
    assert exercise.title[0].isupper()
    assert exercise.points in (1, 2, 3)
    assert len(exercise.cases) >= 3
    assert len(exercise.mistakes) >= 6
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes)
    assert len(set(exercise.hints)) == 3
    for text in (*exercise.hints, *(mistake.hint for mistake in exercise.mistakes)):
        assert text[-1] in ".?", text


@torch.no_grad()
@pytest.mark.parametrize("exercise", checks.EXERCISES.values(), ids=lambda one: one.name)
def test_a_notebook_with_gradients_off_is_no_mistake_of_the_course(exercise):
    answer = lambda *arguments: exercise.reference(*arguments)  # noqa: E731
    assert judging.judge(exercise, answer).kind != "check"


def test_names_and_numbers_are_unique():
    tables = [exercise for lesson in checks.LESSONS for exercise in lesson.EXERCISES]
    assert len({exercise.name for exercise in tables}) == len(tables)
    assert len({exercise.number for exercise in tables}) == len(tables)
    assert [exercise.number for exercise in tables] == sorted(one.number for one in tables)
    assert len({exercise.reference.__name__ for exercise in tables}) == len(tables)


@every_exercise
def test_links_and_paragraphs_are_headings_of_the_lesson(exercise):
    [lesson] = (ROOT / "lessons").glob(f"{exercise.lesson}_*.py")
    text = lesson.read_text(encoding="utf-8").replace("`", "")
    headings = set(re.findall(r"^# #+ (.+)$", text, re.M))
    texts = [*exercise.hints, *(mistake.hint for mistake in exercise.mistakes)]
    links = [link[1] for text in texts for link in showing.LINK.findall(text)]
    for heading in (exercise.paragraph, *links):
        assert heading in headings


@every_exercise
def test_cases_are_small_and_do_not_wear_out(exercise):
    """Each case makes the same arguments twice, and a right answer leaves them as they are."""
    for case in exercise.cases:
        arguments = exercise.arguments(case)
        assert len(arguments) == len(exercise.arguments(case))
        assert judging.same(arguments, exercise.arguments(case))
        before = copy.deepcopy(arguments)
        exercise.reference(*arguments)
        for name, old, new in zip(
            exercise.reference.__code__.co_varnames, before, arguments, strict=False
        ):
            assert name in exercise.may_change or judging.same(old, new)


def values(exercise, function):
    """What a function gives on every case; an exception's class where it raises one."""
    found = []
    for case in exercise.cases:
        try:
            found.append(judging._right(exercise, function, exercise.arguments(case)))
        except Exception as error:
            found.append(type(error))
    return found


def agree(first, second, tolerance):
    return all(
        one is other
        if isinstance(one, type) or isinstance(other, type)
        else comparing.difference(one, other, tolerance) is None
        for one, other in zip(first, second, strict=True)
    )


@every_exercise
def test_every_mistake_can_be_told_from_the_right_answer_and_from_the_others(exercise):
    right = values(exercise, exercise.reference)
    wrong = {mistake.name: values(exercise, mistake.function) for mistake in exercise.mistakes}
    names = list(wrong)
    for index, name in enumerate(names):
        assert not agree(right, wrong[name], exercise.tolerance), name
        for other in names[:index]:
            assert not agree(wrong[other], wrong[name], exercise.tolerance), (name, other)


@every_exercise
def test_the_package_s_answers_that_a_table_names_exist(exercise):
    for name in exercise.package:
        module, _, piece = name.rpartition(".")
        assert callable(getattr(importlib.import_module(f"mnist_course.{module}"), piece))


# --- judging ------------------------------------------------------------------------------


def test_a_right_answer_passes_and_earns_its_points():
    result = judge(lambda image, factor: factor * image)
    assert (result.state, result.earned, result.points) == ("passed", 2, 2)


def test_a_stub_is_not_solved_yet():
    def documented(image, factor):
        """Double."""

    def dots(image, factor): ...

    @torch.no_grad()
    def decorated(image, factor):
        """Double."""

    for stub in (documented, dots, decorated):
        result = judge(stub)
        assert (result.state, result.earned) == ("unsolved", 0)

    def no_return(image, factor):
        answer = image * factor  # noqa: F841

    assert judge(no_return).kind == "nothing"


def test_a_class_is_not_solved_while_a_method_that_is_asked_for_is_empty():
    class Doubler:
        def __init__(self, image, factor):
            self.product = image * factor

        def forward(self):
            return self.product

    class Stub:
        def __init__(self, image, factor):
            self.product = image * factor

        def forward(self):
            """To be written."""

    class WithAMethodMore:
        def __init__(self, image, factor):
            self.answer = factor * image

        def forward(self):
            return self.answer

        def train(self):
            pass

    exercise = {"reference": Doubler, "outcome": lambda made, *_: made.forward(), "mistakes": ()}
    assert judge(Stub, **exercise).state == "unsolved"
    assert judge(WithAMethodMore, **exercise).state == "passed"


def test_a_mistake_is_named_by_what_it_does_not_by_its_text():
    def disguised(image, factor):
        for _ in range(factor):
            image = image + 1
        return image

    result = judge(disguised)
    assert (result.state, result.kind, result.hint) == ("failed", "sum", "You add.")
    assert result.expected == "[2, 4], shape (2,), float32"
    assert result.got == "[3, 4], shape (2,), float32"
    assert result.inputs == [("image", "[1, 2], shape (2,), float32"), ("factor", "2")]


def test_an_answer_that_makes_a_mistake_in_one_case_only_does_not_get_its_hint():
    result = judge(lambda image, factor: image + factor if factor == 2 else image * 0)
    assert (result.kind, result.hint) == ("value", "light")


def test_an_answer_that_fits_one_size_only_is_told_so():
    result = judge(lambda image, factor: torch.stack([image[0] * 2, image[1] * 2]))
    assert (result.kind, result.state) == ("value", "failed")
    assert "Right for the check's first input, but not for this one" in result.sentence
    assert result.inputs[1] == ("factor", "3")


def test_an_input_that_is_changed_is_noticed():
    def in_place(image, factor):
        image *= factor
        return image

    result = judge(in_place)
    assert result.kind == "changes input"
    assert "`image`" in result.sentence
    assert judge(in_place, may_change=("image",)).state == "passed"

    def marked(image, factor):
        answer = image * factor
        image.requires_grad_()
        return answer

    result = judge(marked)
    assert result.kind == "changes input"
    assert "sets `requires_grad` of the `image`" in result.sentence

    def left_behind(image, factor):
        image.requires_grad_()
        answer = image * factor
        answer.sum().backward()
        image.requires_grad_(False)
        return answer.detach()

    result = judge(left_behind)
    assert result.kind == "changes input"
    assert "leaves a gradient in the `image`" in result.sentence


@pytest.mark.parametrize(
    ("image", "change", "advice"),
    [
        (torch.ones(2), lambda image: image.zero_(), "`.clone()`, or a new tensor"),
        ([1, 2], lambda image: image.pop(), "`.copy()`, or a new list"),
        ({"a": 1}, lambda image: image.clear(), "`copy.deepcopy(...)`"),
    ],
)
def test_how_to_copy_depends_on_what_is_changed(image, change, advice):
    def answer(image, factor):
        change(image)
        return 7

    exercise = {"reference": lambda image, factor: 7, "mistakes": ()}
    result = judge(answer, cases=(Case((image, 3)),), **exercise)
    assert result.kind == "changes input"
    assert advice in result.sentence


def test_an_input_with_nan_that_is_left_alone_is_not_called_changed():
    def reference(image, factor):
        return factor * torch.as_tensor(image[0]).nan_to_num()

    def right(image, factor):
        return torch.nan_to_num(torch.as_tensor(image[0])) * factor

    def in_place(image, factor):
        image[0] = 0.0
        return torch.tensor(0.0)

    cases = (Case((torch.tensor([torch.nan, 1.0]), 3)), Case(([float("nan"), 1.0], 3)))
    table = {"reference": reference, "mistakes": ()}
    for case in cases:
        assert judge(right, cases=(case,), **table).state == "passed"
        assert judge(in_place, cases=(case,), **table).kind == "changes input"


def test_copies_are_the_answer_s_own():
    before = copy.deepcopy(TABLE.cases)
    judge(lambda image, factor: image.zero_())
    assert judging.same([c.values for c in before], [c.values for c in TABLE.cases])


def test_an_exception_quotes_the_student_s_own_line():
    def answer(image, factor):
        rows = image.tolist()
        return rows[factor * 7]

    result = judge(answer)
    assert result.kind == "raises"
    assert "`return rows[factor * 7]`" in result.sentence
    assert "IndexError" in result.sentence
    assert result.hint == "light"


def test_an_exception_inside_torch_quotes_the_student_s_line_and_not_torch_s():
    def answer(image, factor):
        return torch.nn.functional.conv2d(image, image)

    assert "`return torch.nn.functional.conv2d(image, image)`" in judge(answer).sentence


@torch.no_grad()
def decorated(image, factor):
    return image.reshape("two")


def shifted(by, image, factor):
    return image.reshape("two")


class Reshaper:
    def __call__(self, image, factor):
        return image.reshape("two")


class Silent(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("answer", [decorated, functools.partial(shifted, 1), Reshaper()])
def test_the_own_line_is_found_inside_of_decorators_and_objects(answer):
    result = judge(answer)
    assert result.kind == "raises"
    assert '`return image.reshape("two")`' in result.sentence


def test_an_own_line_that_python_does_not_keep_is_left_out():
    names = {}
    exec("def answer(image, factor):\n    return image + None", names)
    result = judge(names["answer"])
    assert result.kind == "raises"
    assert result.sentence.startswith("Python stops in your function. Python says: `TypeError")


def test_an_exception_that_can_not_be_told_is_named():
    def answer(image, factor):
        raise Silent

    assert "Python says: `Silent`" in judge(answer).sentence


def test_a_mistake_that_raises_is_told_with_its_line():
    def rows(image, factor):
        return image[5]

    mistake = Mistake("five", lambda image, factor: image[5], "Five is too many.")
    result = judge(rows, mistakes=(mistake,))
    assert (result.kind, result.hint) == ("five", "Five is too many.")
    assert "`return image[5]`" in result.sentence


@pytest.mark.parametrize("reference", [lambda image, factor: 2, lambda image, factor: 2.0])
def test_a_number_too_large_for_a_float_is_no_mistake_of_the_course(reference):
    for power in (400, 5000):
        result = judge(lambda image, factor, n=power: 10**n, reference=reference, mistakes=())
        assert result.kind == "value"
        assert result.got.startswith("a whole number of")


def test_wrong_arguments_are_told_by_the_right_ones():
    for answer in (lambda image: image, functools.partial(lambda image: image)):
        result = judge(answer)
        assert result.kind == "arguments"
        assert "double(image, factor)" in result.sentence


def test_a_check_inside_of_its_own_answer_is_told():
    def answer(image, factor):
        return judging.judge(TABLE, answer)

    result = judge(answer)
    assert result.kind == "raises"
    assert "`return judging.judge(TABLE, answer)`" in result.sentence
    assert "a check is called inside the function" in result.sentence
    assert double(2, 3) == 6


def test_two_checks_at_once_wait_for_each_other():
    """Else the second one would put back what the first one has closed."""
    states = []

    def slow(image, factor):
        time.sleep(0.05)
        return image * factor

    def work():
        states.append(judge(slow).state)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["passed"] * 3
    assert double(2, 3) == 6
    assert torch.equal(data.scale(torch.zeros(1, 1, 1, dtype=torch.uint8)), torch.zeros(1, 1, 1, 1))


@pytest.mark.parametrize("answer", [None, 3, torch.ones(2), "double"])
def test_what_is_no_function_is_told_so(answer):
    result = judge(answer)
    assert result.kind == "not a function"
    assert 'check("double", double)' in result.sentence


def test_a_class_and_a_callable_object_can_be_answers():
    class Doubler:
        def __call__(self, image, factor):
            return image * factor

    assert judge(Doubler()).state == "passed"

    class Holder:
        def __init__(self, image, factor):
            self.product = image * factor

    class Right(Holder):
        pass

    exercise = {"reference": Right, "outcome": lambda made, *_: made.product}
    assert judge(Holder, **exercise).state == "passed"
    assert judge(lambda image, factor: print(image), **exercise).kind == "nothing"


def test_the_package_s_own_answer_is_refused_by_every_road():
    def imported(image, factor):
        from mnist_course.data import scale

        scale(torch.zeros(1, 2, 2, dtype=torch.uint8))
        return image * factor

    scale = data.scale  # imported earlier, under a name of its own

    def swallowed(image, factor):
        try:
            scale(torch.zeros(1, 2, 2, dtype=torch.uint8))
        except BaseException:
            pass
        return image * factor

    def through_a_class(image, factor):
        from mnist_course.models import ResidualBlock

        ResidualBlock(1, 1)
        return image * factor

    for answer in (imported, swallowed, through_a_class, double, lambda *a: double(*a)):
        result = judge(answer)
        assert (result.state, result.kind) == ("failed", "package")
        assert "course's own" in result.sentence
    bytes_ = torch.full((1, 2, 2), 255, dtype=torch.uint8)
    assert torch.equal(data.scale(bytes_), torch.ones(1, 1, 2, 2)), "it works again afterwards"
    assert double(2, 3) == 6


def test_further_cases_count_and_are_not_shown():
    further = [Case((torch.tensor([7.25]), 5))]

    def learned_by_heart(image, factor):
        return image * factor if factor < 5 else image

    assert judge(learned_by_heart).state == "passed"
    result = judge(learned_by_heart, further)
    assert result.state == "failed"
    assert "7.25" not in repr(dataclasses.asdict(result))
    assert "not shown" in result.sentence


def test_an_answer_that_tells_its_input_does_not_tell_that_of_a_further_case():
    further = [Case((torch.tensor([7.25]), 5))]

    def printed(image, factor):
        print(image)
        return image * factor if factor < 5 else image

    def raised(image, factor):
        if factor < 5:
            return image * factor
        raise ValueError(image)

    def named(image, factor):
        if factor < 5:
            return image * factor
        raise type(f"With{image.item()}", (ValueError,), {})

    def shaped(image, factor):
        return image * factor if factor < 5 else torch.zeros(int(100 * image))

    for answer in (printed, shaped, raised, named):
        result = judge(answer, further)
        assert result.state == "failed"
        told = repr(dataclasses.asdict(result))
        assert "7.25" not in told
        assert "725" not in told
    assert "ValueError" in result.sentence
    assert "7.25" in judge(raised, [], cases=tuple(further)).sentence


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"prepare": lambda image, factor: (torch.as_tensor(image), factor)},
        {"outcome": lambda returned, *arguments: returned.sum()},
    ],
)
def test_a_further_case_that_does_not_fit_is_not_the_answer_s_fault(changed):
    further = [Case((torch.tensor([7.25]), 5)), Case(("a", "b"))]
    result = judge(lambda image, factor: image * factor, further, **changed)
    assert (result.state, result.kind) == ("failed", "check")
    assert "further case 2 of double" in result.sentence
    assert "not judged" in result.sentence
    assert "report" not in result.sentence


def test_a_check_that_breaks_does_not_break_the_lesson():
    def broken(image, factor):
        raise ValueError("table")

    result = judge(lambda image, factor: image, reference=broken)
    assert (result.state, result.kind) == ("failed", "check")
    assert "report it" in result.sentence


# --- settings of the process --------------------------------------------------------------


def test_random_numbers_and_dtype_are_afterwards_as_before():
    def careless(image, factor):
        torch.manual_seed(3)
        torch.set_default_dtype(torch.float64)
        random.seed(3)
        numpy.random.seed(3)
        return image * factor

    states = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].tolist()
    assert judge(careless).state == "failed"
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert states[2] == numpy.random.get_state()[1].tolist()
    assert torch.get_default_dtype() == torch.float32


def test_the_folder_is_afterwards_as_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other"
    other.mkdir()

    def moving(image, factor):
        os.chdir(other)
        return image * factor

    assert judge(moving).state == "passed"
    assert Path.cwd() == tmp_path


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no folder that is in use")
def test_a_folder_that_is_removed_does_not_break_a_check(tmp_path, monkeypatch):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def removing(image, factor):
        os.chdir(tmp_path)
        folder.rmdir() if folder.exists() else None
        return image * factor

    assert judge(removing).state == "passed"
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    assert judge(lambda image, factor: image * factor).state == "passed"


def test_random_numbers_are_the_same_in_each_check_and_may_be_drawn():
    drawn = []

    def answer(image, factor):
        layer = torch.nn.Linear(1, 1)  # draws its weights: a right way, if they are set afterwards
        drawn.append(layer.weight.item())
        return image * factor

    assert judge(answer).state == "passed"
    assert judge(answer).state == "passed"
    assert len(set(drawn)) == 1


def test_a_warning_in_an_answer_is_no_failure():
    assert judge(lambda image, factor: torch.tensor(image * factor)).state == "passed"


def test_what_is_printed_is_shown_shortened(capsys):
    def chatty(image, factor):
        for number in range(40):
            print("line", number)
        return image

    result = judge(chatty)
    assert result.printed.startswith("line 0\nline 1")
    assert result.printed.endswith(" …")
    assert len(result.printed.splitlines()) == 8
    assert capsys.readouterr().out == ""


def test_the_time_of_loading_a_package_does_not_count(monkeypatch, tmp_path):
    (tmp_path / "slow_package_of_a_test.py").write_text("import time\ntime.sleep(0.7)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "SECONDS", 0.2)

    def answer(image, factor):
        import slow_package_of_a_test  # noqa: F401

        return image * factor

    assert judge(answer).state == "passed"


def test_the_time_that_other_programs_take_does_not_count(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.2)

    def held_up(image, factor):
        time.sleep(0.5)  # the processor works for others
        return image * factor

    assert judge(held_up).state == "passed"

    def busy(image, factor):
        ends = time.process_time() + 0.5
        while time.process_time() < ends:
            pass
        return image * factor

    assert judge(busy).kind == "time"


def test_a_loop_that_catches_everything_is_stopped():
    """What one turn costs does not matter: one loop computes, one hardly uses the processor."""

    def computing(image, factor):
        while True:
            try:
                image = image * factor
            except BaseException:
                pass

    def sleeping(image, factor):
        while True:
            try:
                time.sleep(0)
            except BaseException:
                pass

    for stubborn in (computing, sleeping):
        assert judge(stubborn).kind == "time"
        assert judge(lambda image, factor: image * factor).state == "passed"


def test_no_signal_is_needed_to_stop_a_loop(monkeypatch):
    """Windows has no alarm, and elsewhere it only rings in the main thread."""
    for name in ("SIGALRM", "alarm", "setitimer"):
        monkeypatch.delattr(signal, name, raising=False)
    monkeypatch.setattr(running, "SECONDS", 0.1)

    def endless(image, factor):
        while True:
            image = image + 1

    results = []
    thread = threading.Thread(target=lambda: results.append(judge(endless)))
    thread.start()
    thread.join(timeout=10)
    assert [result.kind for result in results] == ["time"]
    assert re.search(r"Line \d+: `(while True:|image = image \+ 1)`", results[0].sentence)


def test_what_waits_in_c_code_is_left_behind(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.2)

    def sleepy(image, factor):
        time.sleep(60)

    result = judge(sleepy)
    assert result.kind == "time"
    assert "`time.sleep(60)`" in result.sentence
    assert judge(lambda image, factor: image * factor).state == "passed"


# --- comparing ----------------------------------------------------------------------------


class Yes:
    """Equal to everything."""

    def __eq__(self, other):
        return True

    __hash__ = None


class LongerThanItSays(tuple):
    """A tuple that hides what stands in it."""

    def __len__(self):
        return 2

    def __iter__(self):
        return iter((1, 2))


ONES = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("expected", "got", "kind"),
    [
        (ONES, ONES.clone(), None),
        (ONES, ONES + 1e-6, None),
        (ONES, ONES + 1e-2, "value"),
        (ONES, ONES.double(), "dtype"),
        (ONES, ONES.int(), "dtype"),
        (ONES, ONES.T, "shape"),
        (ONES, ONES[None], "shape"),
        (torch.tensor(1.0), torch.ones(1), "shape"),
        (ONES, ONES * math.nan, "nan"),
        (ONES, ONES * math.inf, "value"),
        (ONES, torch.ones(2, 3, device="meta"), "device"),
        (ONES, ONES.to_sparse(), "type"),
        (ONES, ONES.tolist(), "type"),
        (ONES, ONES.numpy(), "type"),
        (ONES, torch.nn.Parameter(ONES), "type"),
        (ONES, ONES.clone().requires_grad_(), "graph"),
        (ONES.clone().requires_grad_(), ONES, "graph"),
        (ONES, Yes(), "type"),
        (ONES, None, "nothing"),
        (3, 3, None),
        (3, 4, "value"),
        (3, 3.0, "type"),
        (3, True, "type"),
        (3, torch.tensor(3), "type"),
        (3, numpy.int64(3), "type"),
        (3, Yes(), "type"),
        (0.5, 0.5, None),
        (0.5, 0.5000001, None),
        (0.5, 0.51, "value"),
        (0.5, math.nan, "nan"),
        (0.5, numpy.float64(0.5), None),
        (0.5, numpy.float32(0.5), "type"),
        (2.0, 2, None),
        (2.0, 10**400, "value"),
        (2.0, -(10**400), "value"),
        (2.0, numpy.float64("inf"), "value"),
        (1.0, True, "type"),
        (0.5, torch.tensor(0.5), "type"),
        (True, True, None),
        (True, 1, "type"),
        ("a", "a", None),
        ("a", "b", "value"),
        ((1, 2), (1, 2), None),
        ((1, 2), [1, 2], "type"),
        (ONES, numpy.ones((2, 3)), "type"),
        (ONES, numpy.float32(1), "type"),
        ((1, 2), (1, 2, 3), "shape"),
        ((1, 2), torch.Size((1, 2)), None),
        ((1, 2), collections.namedtuple("Pair", "a b")(1, 2), None),
        ((1, 2), LongerThanItSays((1, 2, 3)), "shape"),
        ((1, 2), (1, 2.0), "type"),
        ([1, 2], [1, 3], "value"),
        ((ONES, ONES), (ONES, ONES.T), "shape"),
        ({"a": 1}, {"a": 1}, None),
        ({"a": 1}, {"b": 1}, "shape"),
        ({"a": 1}, {"a": 2}, "value"),
        (math.nan, math.nan, None),
        (ONES * math.nan, ONES * math.nan, None),
    ],
)
def test_answers_are_compared_strictly_by_type(expected, got, kind):
    found = comparing.difference(expected, got)
    assert (found and found[0]) == kind
    if kind not in (None, "value"):
        assert found[1].endswith((".", "?")), "every other kind has its sentence"


def test_what_to_do_about_a_wrong_type_depends_on_what_is_asked_for():
    with_graph = ONES.clone().requires_grad_()
    for expected, got, advice in (
        (ONES, [1.0], "`torch.tensor(...)`"),
        (ONES, [], "`torch.tensor(...)`"),
        (ONES, [ONES, ONES], "`torch.stack(...)`"),
        (ONES, (ONES.sum(), ONES.sum()), "`torch.stack(...)`"),
        (ONES, numpy.ones(3), "`torch.from_numpy(...)`"),
        (with_graph, 1.0, "`backward()` needs a tensor"),
        ((ONES, ONES), ONES, "`return a, b`"),
        (3, numpy.int64(3), "`.item()`"),
        (3, ONES, "`.item()`"),
        ([1], ONES, "`.tolist()`"),
        (3, 3.0, "`//`"),
    ):
        assert advice in comparing.difference(expected, got)[1]
    wrong = {"accuracy": torch.tensor(1.0)}
    assert comparing.difference({"accuracy": 0.5}, wrong)[1].startswith("The accuracy should be")
    assert comparing.shown({"accuracy": 0.5, "mode": "train"}) == "accuracy: 0.5, mode: 'train'"
    assert comparing.shown({10**5000: 1}).startswith("a whole number of 16610 bits: 1")
    assert comparing.shown(dict.fromkeys(range(1000), 0)) == "a dict of 1000 parts"


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("return None + image", "something in this line is None"),
        ("return image if image > 0 else -image", "need one True or False"),
        ("return image.sum().backward()", "a tensor with `requires_grad`"),
        ("return image[9]", "Counting starts at 0"),
        ("return imag", "is that name spelt"),
        ("return image + torch.ones(7)", "print the shapes"),
        ("return image.numbers()", "What type is it?"),
        ("return factor / 0", "divided by is 0"),
    ],
)
def test_what_an_exception_usually_means_is_told(line, advice):
    names = {"torch": torch}
    exec(f"def answer(image, factor):\n    {line}", names)
    assert advice in judge(names["answer"]).sentence


def test_values_are_shown_so_that_the_difference_can_be_seen():
    assert comparing.both_shown(0.123456, 0.123457) == ("0.123456", "0.123457")
    assert comparing.both_shown(1 / 3, 1 / 3) == ("0.3333", "0.3333")
    large = torch.zeros(8, 8)
    other = large.clone()
    other[5, 2] = 3
    right, came = comparing.both_shown(large, other)
    assert right == "0 at [5, 2], a tensor of shape (8, 8), float32"
    assert came.startswith("3 at [5, 2]")

    class Shouting:
        def __repr__(self):
            raise RuntimeError

    assert comparing.shown(Shouting()) == "a Shouting"
    endless = [1]
    endless.append(endless)
    assert comparing.shown(endless) == "[1, [1, [1, [1, a list of 2 parts]]]]"
    assert (
        comparing.shown(torch.zeros([1] * 6))
        == f"{'[' * 6}0{']' * 6}, shape (1, 1, 1, 1, 1, 1), float32"
    )
    assert comparing.shown(10**200) == str(10**200)
    assert comparing.shown(-(10**5000)) == "a whole number of 16610 bits"
    assert comparing.shown(b"\x00\xff") == "the bytes 00 ff"
    assert len(comparing.shown("x" * 10_000)) < 400


# --- what a student sees ------------------------------------------------------------------


@pytest.fixture
def table(monkeypatch):
    monkeypatch.setitem(checks.EXERCISES, "double", TABLE)
    monkeypatch.setattr(checks, "_hints_given", {})
    monkeypatch.delenv("MNIST_COURSE_STRICT", raising=False)
    monkeypatch.delenv("MNIST_COURSE_CASES", raising=False)


def test_hints_come_one_after_the_other_and_then_the_paragraph(table, capsys):
    checks.check("double", lambda image, factor: image * 0)
    assert "Hint: light" in capsys.readouterr().out
    for text in ("Hint 2 of 3: medium", "Hint 3 of 3: strong"):
        checks.hint("double")
        assert text in capsys.readouterr().out
    for _ in range(2):
        checks.hint("double")
        shown = capsys.readouterr().out
        assert "Read again: Pooling (section 7)" in shown
        for text in ("light", "medium", "strong"):
            assert text in shown


def test_a_hint_may_be_asked_for_before_anything_was_tried(table, capsys):
    checks.hint("double")
    assert "Hint 1 of 3: light" in capsys.readouterr().out


def test_a_name_that_is_not_there_is_told(table, capsys):
    checks.check("dubble", double)
    assert 'Did you mean "double"?' in capsys.readouterr().out
    checks.hint(3)
    assert "There is no exercise" in capsys.readouterr().out


def test_strict_mode_raises_for_all_that_is_not_passed(table, monkeypatch, capsys):
    monkeypatch.setenv("MNIST_COURSE_STRICT", "1")

    def stub(image, factor):
        """Double."""

    with pytest.raises(checks.NotPassed, match="You add"):
        checks.check("double", lambda image, factor: image + factor)
    with pytest.raises(checks.NotPassed, match="Not solved yet"):
        checks.check("double", stub)
    with pytest.raises(checks.NotPassed, match="no exercise"):
        checks.check("dubble", stub)
    with pytest.raises(checks.NotPassed, match=r"Line \d+: `return image\.reshape"):
        checks.check("double", decorated)
    checks.check("double", lambda image, factor: factor * image)
    assert "Right. 2 points." in capsys.readouterr().out


def test_a_students_text_is_shown_as_it_is_and_not_as_marks():
    def answer(image, factor):
        raise KeyError("<b>[a](b)</b> *c* `d`")

    result = judge(answer)
    lines = showing.lines_of(result, TABLE)
    page = showing.as_html(lines, result.state)
    assert "<b>" not in page
    assert 'href="#b"' not in page
    assert "<em>" not in page
    assert "[a](b)" in showing.as_text(lines, result.state)


def test_results_are_readable_without_colour_and_by_a_screen_reader():
    result = judge(lambda image, factor: image + factor)
    lines = showing.lines_of(result, TABLE)
    page, text = showing.as_html(lines, result.state), showing.as_text(lines, result.state)
    assert 'role="status"' in page
    assert "background" not in page, "the page's own colours: both themes"
    assert re.search(r"[^-]color:black|[^-]color:white", page) is None
    assert '<a href="#7.-Pooling">Pooling</a>' in page
    for word in ("Not right yet", "expected", "yours", "[2, 4]", "[3, 4]", "You add."):
        assert word in page
        assert word in text
    assert re.findall(r'color:(#\w+)">', page) == [showing.WRONG]


def contrast(colour, background):
    def luminance(hexadecimal):
        shares = [int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(colour), luminance(background)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", [*showing.COLOURS.values(), showing.WRONG, showing.NEUTRAL])
@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_signs_and_borders_stand_out_in_both_themes(colour, background):
    assert contrast(colour, background) >= 3  # WCAG 2.2, 1.4.11, for graphical objects


# --- further cases from a file ------------------------------------------------------------


def test_further_cases_are_read_from_a_file(table, monkeypatch, tmp_path):
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"double": [[{"tensor": [9, 8], "dtype": "float32"}, 7]]}))
    monkeypatch.setenv("MNIST_COURSE_CASES", str(path))
    assert checks.judge("double", lambda image, factor: image * factor).state == "passed"
    result = checks.judge("double", lambda i, f: i * f if f < 7 else i)
    assert result.state == "failed"


@pytest.mark.parametrize(
    "content",
    [
        "no json",
        "[]",
        '{"dubble": []}',
        '{"double": [[1]]}',
        '{"double": [[{"tensor": [1], "dtype": "load"}, 2]]}',
        '{"double": [[{"tensor": [300], "dtype": "uint8"}, 2]]}',
        '{"double": [[{"pickle": "x"}, 2]]}',
        '{"double": [[{"bytes": "xyz"}, 2]]}',
        '{"double": 3}',
    ],
)
def test_a_file_of_cases_that_can_t_be_used_is_named(table, monkeypatch, tmp_path, content):
    path = tmp_path / "cases.json"
    path.write_text(content)
    for named in (path, tmp_path / "none.json"):
        monkeypatch.setenv("MNIST_COURSE_CASES", str(named))
        result = checks.judge("double", lambda image, factor: image * factor)
        assert (result.state, result.kind) == ("failed", "check")
        assert named.name in result.sentence


# --- in a kernel --------------------------------------------------------------------------


def test_a_kernel_outlives_everything_an_answer_does(tmp_path):
    """`exit()` in a notebook is not Python's own: it asks for the kernel's end."""
    wrong = {
        "exit": "exit()",
        "quit": "quit()",
        "system exit": "import sys; sys.exit()",
        "end of the process": "import os; os._exit(1)",
        "question": "return input('size?')",
        "own line": "return image[99]",
    }
    cells = [new_code_cell("from mnist_course.checks import check")]
    for body in wrong.values():
        cells += [
            new_code_cell(f"def f(image, kernel, stride):\n    {body}"),
            new_code_cell('check("strided-correlation", f)'),
        ]
    cells.append(new_code_cell("print('the end')"))
    notebook = new_notebook(cells=cells)
    os.environ.pop("MNIST_COURSE_STRICT", None)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    texts = {}
    for name, cell in zip(wrong, notebook.cells[2::2], strict=False):
        [output] = cell.outputs
        assert output.output_type == "display_data"
        assert 'role="status"' in output.data["text/html"]
        texts[name] = output.data["text/plain"]
    for name in ("exit", "quit", "system exit", "end of the process"):
        assert "It calls `exit()`" in texts[name], name
    assert "EOFError" in texts["question"]
    assert "Line 2: `return image[99]`" in texts["own line"]
    assert notebook.cells[-1].outputs[0].text == "the end\n"
    nbformat.validate(notebook)


FIRST_CHECKS = """
import sys, time
from mnist_course import checks, data, models, plots, training, widgets
for exercise in checks.EXERCISES.values():
    if exercise.lesson == sys.argv[1]:
        wrong = lambda *arguments: exercise.mistakes[-1].function(*arguments)
        started = time.process_time()
        result = checks.judge(exercise.name, wrong)
        print(result.state, time.process_time() - started)
"""


@pytest.mark.parametrize("lesson", ["01", "02", "03", "04", "05"])
def test_a_check_answers_within_a_second_the_first_time_too(lesson):
    """The last mistake of a table takes longest: those before it are tried first.

    `plots` and `widgets` bring matplotlib, which takes longer than any check; a lesson's first cell
    imports them. The time is the processor's: a busy machine is no fault of a check.
    """
    run = [sys.executable, "-c", FIRST_CHECKS, lesson]
    lines = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    states, seconds = zip(*(line.split() for line in lines), strict=True)
    assert states == ("failed",) * sum(exercise.lesson == lesson for exercise in EXERCISES)
    assert max(map(float, seconds)) < 1
