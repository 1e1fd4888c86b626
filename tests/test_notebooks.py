"""What holds for every lesson: its notebook agrees with its source and has all its parts."""

import ast
import re
from collections import Counter

import make_notebooks
import nbformat
import pytest

CHECKED = make_notebooks.CHECKED
LESSONS = sorted(make_notebooks.LESSONS.glob("*.py"))
LONGEST_CELL = 15  # lines of code, without docstrings and empty lines
LONGEST_NETWORK = 16  # a class or a function that makes a network: it would be harder in parts

every_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)


def stored(lesson):
    path = make_notebooks.NOTEBOOKS / f"{lesson.stem}.ipynb"
    assert path.exists(), f"there is no {path.name}: make notebooks"
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


@pytest.fixture
def notebook(lesson):
    return stored(lesson)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def calls(cell, name):
    """The calls of a function or method of this name in a cell."""
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
            yield node


# --- a notebook and its source ------------------------------------------------------------


def test_every_lesson_has_its_notebook_and_no_other_is_there():
    made = sorted(path.stem for path in make_notebooks.NOTEBOOKS.glob("*.ipynb"))
    assert made == [path.stem for path in LESSONS]


@every_lesson
def test_a_notebook_is_valid(notebook):
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    repeated = [
        id for id, count in Counter(cell.id for cell in notebook.cells).items() if count > 1
    ]
    assert not repeated


@every_lesson
def test_a_notebook_equals_what_its_lesson_makes(lesson, notebook):
    for cell in code(notebook):
        cell.outputs, cell.execution_count = [], None
    built = make_notebooks.build(lesson)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in built.cells]
    assert notebook == built, "make notebooks"


@every_lesson
def test_outputs_are_stored_where_they_are_checked(notebook):
    for cell in code(notebook):
        assert bool(cell.outputs) == (CHECKED in cell.source), cell.source
        for output in cell.outputs:
            assert output.output_type in ("stream", "execute_result", "display_data")
            assert not re.search(r"/(home|root|tmp|Users)/|[A-Z]:\\", str(output)), output


ASKED = re.compile(r"\b([Gg]uess|[Ww]hat will|[Bb]efore you run|do you expect)\b")


@every_lesson
def test_no_answer_stands_below_a_question_that_asks_for_a_guess(notebook):
    asked = None
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            asked = ASKED.search(cell.source.split("\n\n")[-1])
        else:
            assert not (asked and cell.outputs), cell.source


# --- its parts ----------------------------------------------------------------------------


@every_lesson
def test_a_lesson_says_what_it_takes_and_what_it_gives(lesson, notebook):
    header = notebook.cells[0].source
    assert header.startswith(f"# {lesson.stem[:2]} ")
    for row in ("Before this lesson", "You will be able to", "Running time"):
        assert re.search(rf"^\| \*\*{row}\*\* \| \S.* \|$", header, re.M), row
    assert re.search(r"about [\d.]+ min on two CPU cores", header)


@every_lesson
def test_a_lesson_ends_with_the_same_five_sections(notebook):
    headings = re.findall(r"^## (.+)$", prose(notebook), re.M)
    assert headings.pop() == "Hand in"
    if headings[-1].startswith("Appendix: "):  # what nobody needs to go on, after the end
        del headings[-1]
    wanted = ["What usually goes wrong", "Summary", "Five questions", "Key terms"]
    assert headings[-len(wanted) :] == wanted
    numbers = [int(number) for number in re.findall(r"^## (\d+)\. ", prose(notebook), re.M)]
    assert numbers == list(range(1, len(numbers) + 1))


@every_lesson
def test_five_questions_have_answers(notebook):
    [section] = (c.source for c in notebook.cells if c.source.startswith("## Five questions"))
    found = re.findall(r"<details><summary>(\d)\. (.+?)</summary>\s*(.+?)</details>", section, re.S)
    assert [number for number, _, _ in found] == list("12345")
    assert section.count("<details>") == section.count("</details>") == 5
    for _, _, answer in found:
        assert len(answer.strip()) > 5


@every_lesson
def test_key_terms_are_in_english_and_chinese(notebook):
    [section] = (c.source for c in notebook.cells if c.source.startswith("## Key terms"))
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \|$", section, re.M)
    assert rows[0] == ("English", "中文", "where")
    assert len(rows) > 5
    for english, chinese, _ in rows[1:]:
        assert re.search(r"[\u4e00-\u9fff]", chinese), english


@every_lesson
def test_pictures_have_a_text(notebook):
    for cell in code(notebook):
        for call in calls(cell, "show"):
            if ast.unparse(call.func) != "plots.show":
                continue
            [alt] = [word.value for word in call.keywords if word.arg == "alt"] or [None]
            assert alt is not None, cell.source
            if isinstance(alt, ast.Constant):
                assert len(alt.value) > 15, cell.source
    assert "![](" not in prose(notebook)
    for image in re.findall(r"<img[^>]*>", prose(notebook)):
        assert re.search(r'alt="[^"]+"', image), image


# Calls that draw and take no text, as a lesson writes them.
WITHOUT_TEXT = {"d2l.train_ch6"}  # two lessons show how d2l trains, with d2l's own live plot


@every_lesson
def test_nothing_is_drawn_without_a_text(lesson, notebook):
    known = WITHOUT_TEXT if lesson.stem.startswith(("03", "07")) else set()
    for cell in code(notebook):
        for name in ("show", "display", "show_images", "Animator", "train_ch3", "train_ch6"):
            drawn = {ast.unparse(call.func) for call in calls(cell, name)}
            assert drawn <= {"plots.show", *known}, cell.source
        assert not re.search(r"\bpyplot\b|\bplt\.|\bd2l\.plot\b", cell.source), cell.source
        if list(calls(cell, "subplots")):
            assert list(calls(cell, "show")), cell.source


@every_lesson
def test_links_lead_to_files_that_exist(notebook):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(notebook)):
        if not re.match(r"https?://|#|attachment:", target):
            assert (make_notebooks.NOTEBOOKS / target.partition("#")[0]).is_file(), target


# --- what a lesson does not do ------------------------------------------------------------


@every_lesson
def test_cells_are_python_and_short(notebook):
    for cell in code(notebook):
        tree = ast.parse(cell.source)  # so there is no %pip and no !pip either
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node):
                text = ast.get_source_segment(cell.source, node.body[0])
                lines -= sum(bool(line.strip()) for line in text.splitlines())
        network = len(tree.body) == 1 and "nn." in cell.source
        assert lines <= (LONGEST_NETWORK if network else LONGEST_CELL), cell.source


@every_lesson
def test_a_training_may_be_interrupted_in_its_first_epoch(notebook):
    """There is no last item then: history.accuracy knows that."""
    for cell in code(notebook):
        assert not re.search(r"\b(train|validation)_(loss|accuracy)\[-1\]", cell.source)


@every_lesson
def test_a_lesson_downloads_nothing(notebook):
    for cell in code(notebook):
        assert not re.search(r"download\s*=\s*True|urlretrieve|urlopen|requests\.", cell.source)
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("os.system", "subprocess.run"), cell.source


OPENING = ("05", "06")  # the accuracy, and what lesson 06 promises before it looks


@every_lesson
def test_the_test_set_is_opened_once_in_two_lessons_and_never_shown(lesson, notebook):
    opened = [call for cell in code(notebook) for call in calls(cell, "open_test_set")]
    assert len(opened) == (1 if lesson.stem.startswith(OPENING) else 0)
    for cell in code(notebook):
        assert not re.search(r"\btest\.images\b|\btest\[", cell.source), "it shows test images"


@every_lesson
def test_no_lesson_reaches_the_test_images_past_their_seal(notebook):
    for cell in code(notebook):
        assert "t10k" not in cell.source
        assert not list(calls(cell, "load_data_fashion_mnist")), "it loads the test images as well"
        for name in ("MNIST", "FashionMNIST"):
            for call in calls(cell, name):
                [train] = [word.value for word in call.keywords if word.arg == "train"]
                assert ast.unparse(train) == "True", cell.source
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.keyword) and node.arg == "train":
                assert ast.unparse(node.value) == "True", cell.source


@every_lesson
def test_every_mark_is_filled_in(notebook):
    assert "{{" not in prose(notebook)
