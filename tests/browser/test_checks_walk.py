"""A student's way through the exercises of one lesson, in JupyterLab."""

import re
from pathlib import Path

import browser
import nbformat
import pytest
from playwright.sync_api import expect

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
LESSON = "02_convolution_and_pooling.ipynb"
WALKED = "02_exercises.ipynb"  # its prose, its imports and its exercises
EXERCISE = "strided-correlation"

WRONG = """def strided_correlation(image, kernel, stride):
    h, w = kernel.shape
    flipped = kernel.flip(0, 1)
    rows = (image.shape[0] - h) // stride + 1
    columns = (image.shape[1] - w) // stride + 1
    output = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            patch = image[i * stride : i * stride + h, j * stride : j * stride + w]
            output[i, j] = (patch * flipped).sum()
    return output"""
LOOPS = """def strided_correlation(image, kernel, stride):
    row = 0
    while row < image.shape[0]:
        pass"""

# The place of a cell by its id; it becomes the active one and is scrolled to.
GO_TO = """async (id) => {
    const content = window.jupyterapp.shell.currentWidget.content;
    const cells = [...content.model.cells];
    const index = cells.findIndex(cell => cell.sharedModel.id === id);
    content.activeCellIndex = index;
    await content.scrollToItem(index, 'start');
    return index;
}"""
OUTPUT = """(id) => {
    const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
    return cells.find(cell => cell.sharedModel.id === id).outputs.toJSON();
}"""


# Whether a cell has been run since it had this number; while it runs it has none.
WAS_RUN = """([id, before]) => {
    const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
    const cell = cells.find(cell => cell.sharedModel.id === id);
    return cell.executionState !== 'running' && cell.executionCount
        && cell.executionCount !== before;
}"""
COUNT = """(id) => {
    const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells];
    return cells.find(cell => cell.sharedModel.id === id).executionCount;
}"""
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.id"


class Student:
    """What a student does: goes to a cell, writes, runs, reads."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.page = notebook.page

    def go_to(self, id):
        assert self.page.evaluate(GO_TO, id) >= 0, id
        self.page.evaluate(browser.FRAMES, 10)

    @property
    def cell(self):
        return self.page.locator(".jp-Notebook .jp-Cell.jp-mod-active")

    def write(self, id, code):
        self.go_to(id)
        self.cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(code)

    def run(self, id):
        """Run a cell by Ctrl+Enter. Returns the plain text of its outputs."""
        self.go_to(id)
        self.cell.locator(".jp-InputArea-prompt").first.click()
        return self._run(id)

    def _run(self, id):
        before = self.page.evaluate(COUNT, id)
        self.page.keyboard.press("Control+Enter")
        self.page.wait_for_function(WAS_RUN, arg=[id, before], timeout=60_000)
        self.notebook.wait(seconds=60)
        return self.output(id)

    def output(self, id):
        texts = []
        for one in self.page.evaluate(OUTPUT, id):
            assert one["output_type"] != "error", one
            text = one.get("data", {}).get("text/plain") or one.get("text", "")
            texts.append("".join(text))
        return "\n".join(texts)

    def try_answer(self, code):
        """Write an answer, run it and its check. Returns what the check says."""
        self.write(EXERCISE, code)
        self.run(EXERCISE)
        return self.run(f"check-{EXERCISE}")

    def type_below(self, code):
        """Make a cell below the active one, as with the key B, and run what is typed."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(code)
        return self._run(self.page.evaluate(ACTIVE))

    def take(self, name):
        """Screenshots of what is on the page, in both themes."""
        SCREENSHOTS.mkdir(exist_ok=True)
        for theme in ("JupyterLab Dark", "JupyterLab Light"):
            browser.use_theme(self.page, theme)
            path = SCREENSHOTS / f"check-{name}-{theme.split()[1].lower()}.png"
            self.page.screenshot(path=path)


@pytest.fixture
def student(chromium, lab):
    lesson = nbformat.read(f"{lab['root_dir']}/{LESSON}", as_version=4)
    imports = next(cell for cell in lesson.cells if cell.cell_type == "code")
    lesson.cells = [
        cell
        for cell in lesson.cells
        if cell.cell_type == "markdown" or cell is imports or "nbgrader" in cell.metadata
    ]
    nbformat.write(lesson, f"{lab['root_dir']}/{WALKED}")
    notebook = browser.Notebook(chromium, lab, WALKED)
    yield Student(notebook)
    notebook.close()


def solution(lab):
    """The solution of the exercise, from the lesson's source."""
    import make_notebooks

    [lesson] = make_notebooks.LESSONS.glob(f"{LESSON[:2]}_*.py")
    solved = make_notebooks.build(lesson, solved=True)
    [cell] = [cell for cell in solved.cells if cell.id == EXERCISE]
    return cell.source


def test_a_student_s_way_through_an_exercise(student, lab):
    notebook = nbformat.read(f"{lab['root_dir']}/{WALKED}", as_version=4)
    code = [cell.id for cell in notebook.cells if cell.cell_type == "code"]
    check = f"check-{EXERCISE}"
    student.run(code[0])  # the imports
    student.run(EXERCISE)
    assert "not solved yet" in student.run(check).lower()
    student.take("unsolved")

    wrong = student.try_answer(WRONG)
    assert "not right" in wrong.lower()
    assert "expected" in wrong.lower()
    assert "turned round" in wrong  # the hint for a flipped kernel
    student.take("wrong")

    student.cell.get_by_role("link", name="Padding, stride, output size").click()
    heading = student.page.get_by_role("heading", name="4. Padding, stride, output size")
    expect(heading).to_be_in_viewport(timeout=10_000)
    student.go_to(check)

    first, second = (student.type_below(f'hint("{EXERCISE}")') for _ in range(2))
    assert "Hint 2 of 3" in first
    assert "Hint 3 of 3" in second
    student.take("hint")

    stopped = student.try_answer(LOOPS)
    assert re.search(r"Line (3: `?while row < image\.shape\[0\]|4: `?pass)", stopped), stopped
    student.take("loop")

    student.write(check, "check = None")  # a locked cell: nothing happens
    assert "right" in student.try_answer(solution(lab)).lower()
    assert "not right" not in student.output(check).lower()
    student.take("right")

    student.notebook.run_all()
    assert student.notebook.errors() == []
    assert "not right" not in student.output(check).lower()
    for cell in notebook.cells:
        if cell.id.startswith("check-") and cell.id != check:
            assert "not solved yet" in student.output(cell.id).lower()
    student.go_to(check)
    student.take("run-all")
    unexpected = [line for line in student.notebook.complaints if "favicon" not in line]
    assert unexpected == []
