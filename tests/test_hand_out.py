"""What is handed out: stubs and no solutions, counts of cases and no cases."""

import json
import re
from pathlib import Path

import jupytext
import make_notebooks
import nbformat
import pytest
from click.testing import CliRunner

from mnist_course import runtime
from mnist_course.cli import lessons, main
from mnist_course.exercises import EXERCISES, LESSONS
from mnist_course.grading import hand_in, hand_out

ROOT = Path(__file__).parent.parent
SHORT = 12  # characters: shorter lines, such as "else:", say nothing of a solution


def course(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def handed_out(tmp_path_factory):
    """A folder that was handed out, with all lessons."""
    folder = tmp_path_factory.mktemp("class") / "hand out"
    counts = {name: (len(one.cases), 3) for name, one in EXERCISES.items()}
    found = hand_out.files(lessons.course_folder(), LESSONS, counts)
    hand_out.write(found, folder)
    return folder


def source(lesson):
    [path] = (ROOT / "lessons").glob(f"{lesson}_*.py")
    return path


def marked_lines(text):
    """The lines between the marks of a solution, without their indent."""
    inside = re.findall(
        rf"^ *{make_notebooks.BEGIN}\n(.*?)^ *{make_notebooks.END}", text, re.DOTALL | re.MULTILINE
    )
    return [line.strip() for block in inside for line in block.splitlines()]


def everything(folder):
    """Every text of what is handed out: of notebooks each string, whatever it belongs to."""

    def strings(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            for key, one in value.items():
                yield key
                yield from strings(one)
        elif isinstance(value, list):
            yield "".join(one for one in value if isinstance(one, str))  # Jupyter's lists of lines
            for one in value:
                yield from strings(one)

    texts = []
    for path in folder.iterdir():
        text = path.read_text(encoding="utf-8")
        texts += strings(json.loads(text)) if path.suffix in (".ipynb", ".json") else [text]
    return "\n".join(texts)


def shown(lesson):
    """What a lesson shows to everybody: its source without the marked lines."""
    return "\n".join(
        make_notebooks.without_solution(cell.source) for cell in jupytext.read(source(lesson)).cells
    )


def test_no_line_of_a_solution_is_handed_out(handed_out):
    texts = everything(handed_out)
    assert "SOLUTION" not in texts
    allowed = "\n".join(shown(lesson) for lesson in LESSONS)
    looked_at = 0
    for lesson in LESSONS:
        for line in set(marked_lines(source(lesson).read_text(encoding="utf-8"))):
            if len(line) < SHORT or line in allowed:
                continue  # "import torch" is shown elsewhere
            looked_at += 1
            assert line not in texts, f"lesson {lesson} hands out: {line}"
    assert looked_at > 80


def test_no_line_of_a_right_answer_in_the_package_is_handed_out(handed_out):
    texts = everything(handed_out)
    allowed = "\n".join(shown(lesson) for lesson in LESSONS)
    looked_at = 0
    for name in EXERCISES:
        module = ROOT / "mnist_course" / "exercises" / f"{name.replace('-', '_')}.py"
        answer = module.read_text(encoding="utf-8").partition("@EXERCISE.answer")[2]
        body = answer.partition("@EXERCISE.mistake")[0].splitlines()[2:]
        for line in (line.strip() for line in body):
            if len(line) >= SHORT and line not in allowed:
                looked_at += 1
                assert line not in texts, f"{name} hands out: {line}"
    assert looked_at > 80


def test_a_stub_is_the_solution_without_the_marked_lines(handed_out):
    seen = 0
    for lesson in LESSONS:
        solved = make_notebooks.build(source(lesson), solved=True)
        [path] = handed_out.glob(f"{lesson}_*.ipynb")
        given = nbformat.read(path, as_version=4)
        assert [cell.id for cell in given.cells] == [cell.id for cell in solved.cells]
        for stub, full in zip(given.cells, solved.cells, strict=True):
            lines, inside = [], False
            for line in full.source.splitlines():
                if line.strip() == make_notebooks.BEGIN:
                    inside = True
                elif line.strip() == make_notebooks.END:
                    inside = False
                elif not inside:
                    lines.append(line)
            assert stub.source == "\n".join(lines).rstrip()
            seen += stub.source != full.source
    assert seen == len(EXERCISES)


def test_no_output_says_what_an_answer_gives(handed_out):
    """Only the cells that are compared by the tests keep an output, and none of them is a check."""
    for path in handed_out.glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code" and cell.outputs:
                assert make_notebooks.CHECKED in cell.source
                assert not make_notebooks.CHECK.search(cell.source)
            assert not cell.get("attachments")


def test_the_note_counts_cases_and_says_nothing_of_them(handed_out):
    note = json.loads((handed_out / "course.json").read_text(encoding="utf-8"))
    assert note["lessons"] == list(LESSONS)
    assert note["exercises"] == {
        name: {"visible": len(one.cases), "hidden": 3} for name, one in EXERCISES.items()
    }
    read = hand_in.note(handed_out)
    assert read == {"lessons": list(LESSONS), "hidden": dict.fromkeys(EXERCISES, 3)}
    page = (handed_out / "README.md").read_text(encoding="utf-8")
    assert f"never see: {3 * len(EXERCISES)} in all" in page
    for one in EXERCISES.values():
        assert f"| {one.number} {one.title} | {len(one.cases)} | 3 |\n" in page
    assert {path.name for path in handed_out.iterdir()} == {
        "README.md", "course.json", *(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    }  # fmt: skip


def test_without_a_policy_nothing_is_said_of_numbers(tmp_path):
    result = course("hand-out", "--lessons", "2", "--to", tmp_path / "out")
    assert result.exit_code == 0, result.output
    note = json.loads((tmp_path / "out/course.json").read_text(encoding="utf-8"))
    assert set(note["exercises"]) == {name for name, one in EXERCISES.items() if one.lesson == "02"}
    assert all(counts.keys() == {"visible"} for counts in note["exercises"].values())
    page = (tmp_path / "out/README.md").read_text("utf-8")
    assert "Your teacher has not said how many there are." in page
    assert page.count("| not said |") == len(note["exercises"])
    assert hand_in.note(tmp_path / "out") == {"lessons": ["02"], "hidden": None}


def test_with_a_policy_students_are_told_how_many_cases_are_hidden(tmp_path):
    policy = tmp_path / "policy.toml"
    secret = "-3.28125"
    policy.write_text(
        f'[cases]\nleaky-relu = [[{{ tensor = [{secret}], dtype = "float32" }}, 0.5]]\n'
    )
    out = tmp_path / "out"
    result = course("hand-out", "--lessons", "04", "--to", out, "--policy", policy)
    assert result.exit_code == 0, result.output
    assert hand_in.note(out)["hidden"]["leaky-relu"] == 1
    assert secret not in everything(out)
    page = (out / "README.md").read_text("utf-8")
    own = EXERCISES["leaky-relu"]
    assert f"| {own.number} {own.title} | {len(own.cases)} | 1 |\n" in page
    assert "never see: 1 in all" in page


def test_students_read_that_there_are_no_hidden_cases():
    counts = {name: (len(one.cases), 0) for name, one in EXERCISES.items()}
    page = hand_out.files(lessons.course_folder(), ("02",), counts)[hand_out.PAGE].decode()
    assert "there are no hidden cases" in page
    assert "hidden* cases" not in page


@pytest.mark.parametrize("text", ["", "11", "1-11", "3-1", "x", "1;2", "-", "1-"])
def test_lessons_that_can_not_be_meant(text, tmp_path):
    result = course("hand-out", "--lessons", text, "--to", tmp_path / "out")
    assert result.exit_code == 1
    assert "names no lessons" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "chosen"),
    [("01-03", ("01", "02", "03")), ("3", ("03",)), ("05, 01-02,1", ("01", "02", "05"))],
)
def test_lessons_by_their_numbers(text, chosen):
    assert hand_out.lessons_of(text) == chosen


def test_a_folder_with_other_content_is_left_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = course("hand-out", "--lessons", "1", "--to", tmp_path)
    assert result.exit_code == 1
    assert "mine.txt" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    result = course("hand-out", "--lessons", "1", "--to", tmp_path / "mine.txt")
    assert "is a file" in result.stderr


def test_the_same_again_changes_nothing_and_an_edited_copy_stays(tmp_path):
    for _ in range(2):
        assert course("hand-out", "--lessons", "1", "--to", tmp_path).exit_code == 0
    [notebook] = tmp_path.glob("*.ipynb")
    notebook.write_text("edited")
    result = course("hand-out", "--lessons", "1", "--to", tmp_path)
    assert result.exit_code == 1
    assert notebook.name in result.stderr
    assert notebook.read_text() == "edited"


def solved_course(tmp_path, change):
    """A course folder whose lesson 04 holds something of a solution."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    [path] = (ROOT / "notebooks").glob("04_*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    [cell] = (cell for cell in notebook.cells if cell.id == "leaky-relu")
    change(notebook, cell)
    nbformat.write(notebook, folder / path.name)
    return folder


@pytest.mark.parametrize(
    "change",
    [
        lambda notebook, cell: cell.update(source=cell.source + "\n    return inputs"),
        lambda notebook, cell: cell.update(source=f"{cell.source}\n    # {make_notebooks.BEGIN}"),
        lambda notebook, cell: notebook.cells.append(
            nbformat.v4.new_code_cell("leaky_relu = torch.nn.functional.leaky_relu")
        ),
        lambda notebook, cell: notebook.cells.append(
            nbformat.v4.new_code_cell(f"%%time\n{cell.source}")
        ),
        lambda notebook, cell: cell.metadata.clear(),
    ],
    ids=["a line", "a mark", "an assignment", "a copy", "no grade id"],
)
def test_a_course_that_may_hold_a_solution_is_not_handed_out(change, tmp_path):
    folder = solved_course(tmp_path, change)
    with pytest.raises(runtime.CourseError, match="may hold a solution"):
        hand_out.files(folder, ("04",))


def test_a_lesson_that_is_not_there(tmp_path):
    with pytest.raises(runtime.CourseError, match="no lesson 04"):
        hand_out.files(tmp_path, ("04",))
