"""The occlusion explorer and the contest in JupyterLab: pointer, keyboard, buttons, both themes."""

import json
import re
from pathlib import Path

import browser
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from test_network import MAKE, corner

SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
SHOW = """
from mnist_course.training import predict
network = networks["LeNet"]
part = digits.validation[:20]
widgets.occlusion_explorer(network, part)
"""
CONTEST = """
contest = widgets.contest(digits.validation, predict(network, digits.validation), count=6)
contest
"""
KINDS = ["T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag",
         "boot"]  # fmt: skip
NAMED = f"""
from mnist_course.training import predict
network = networks["LeNet"]
part = digits.validation[:3]
widgets.occlusion_explorer(network, part, classes={KINDS})
"""
NAMED_CONTEST = f"""
contest = widgets.contest(part, predict(network, part), classes={KINDS})
contest
"""
# What the network says of a covered digit, in the words of the page.
SAYS = """
def says(index, patch):
    image = part.images[index].clone()
    if patch:
        top, bottom, left, right = patch
        image[top:bottom, left:right] = 0
    with torch.no_grad():
        shares = network.eval()(data.normalise(data.scale(image[None])))[0].softmax(0)
    return f"says {shares.argmax()} with {100 * shares.max():.1f} %"
"""


@pytest.fixture(scope="module")
def notebook(chromium, lab):
    browser.write_notebook(lab, "errors.ipynb", MAKE + SAYS, SHOW, CONTEST)
    notebook = browser.Notebook(chromium, lab, "errors.ipynb")
    notebook.run_all()
    assert notebook.errors() == []
    yield notebook
    notebook.close()


def look(page, explorer, name):
    """In both themes axe finds nothing; the pictures lie in screenshots/."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.set_viewport_size({"width": 1280, "height": 1100})
    [root] = set(re.findall(r"mc-(?:occlusion|contest)", explorer.get_attribute("class")))
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        browser.use_theme(page, theme)
        explorer.screenshot(path=SCREENSHOTS / f"{name}-{theme.split()[1].lower()}.png")
        found = Axe().run(page, context=f".{root}")
        assert found.violations_count == 0, found.generate_report()


def focused_in(explorer):
    """Whether what has the focus is part of the explorer, where typed digits do no harm."""
    return explorer.evaluate("(root) => root.contains(document.activeElement)")


def test_a_digit_is_covered_by_pointer_and_keyboard_while_the_kernel_is_busy(notebook):
    page = notebook.page
    explorer = page.locator(".mc-occlusion")
    explorer.scroll_into_view_if_needed()
    status, pad = explorer.locator(".mc-status"), explorer.locator(".mc-pad")
    patches = [None, [7, 13, 10, 16], [8, 14, 9, 15], [9, 13, 10, 14]]
    expected = json.loads(
        notebook.execute(f"import json; print(json.dumps([says(3, one) for one in {patches}]))")
    )
    with notebook.busy():
        explorer.get_by_role("slider", name="Digit").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        expect(status).to_contain_text("Nothing is covered. The network " + expected[0])
        box = pad.bounding_box()  # 7 pixels of the screen for each of the digit, in a frame of 1
        page.mouse.move(box["x"] + 1 + 7 * 20.5, box["y"] + 1 + 7 * 20.5)
        page.mouse.down()
        page.mouse.move(box["x"] + 1 + 7 * 13.5, box["y"] + 1 + 7 * 10.5, steps=5)
        page.mouse.up()
        expect(status).to_contain_text("Rows 7 to 12 and columns 10 to 15 are covered.")
        expect(status).to_contain_text(expected[1])
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowLeft")
        expect(status).to_contain_text("Rows 8 to 13 and columns 9 to 14 are covered.")
        expect(status).to_contain_text(expected[2])
        explorer.get_by_role("slider", name="Size of the patch").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(status).to_contain_text("Rows 9 to 12 and columns 10 to 13 are covered.")
        expect(status).to_contain_text(expected[3])
        around = explorer.locator(".mc-around")
        expect(around).to_have_attribute(
            "aria-label", re.compile(r"\d falls below 50 % at \d+ of 196 places")
        )
        rival = explorer.get_by_role("button", name=re.compile("its rival"))
        rival.click()
        expect(rival).to_have_attribute("aria-pressed", "true")
        box = around.bounding_box()
        page.mouse.click(box["x"] + 1 + 7 * 4.5, box["y"] + 1 + 7 * 4.5)
        expect(status).to_contain_text("Rows 2 to 5 and columns 2 to 5 are covered.")
    expect(explorer).to_contain_text("raises the logit of")
    look(page, explorer, "occlusion")
    pad.focus()
    page.keyboard.press("Delete")
    expect(status).to_contain_text("Nothing is covered. The network " + expected[0])
    assert min(corner(pad)) > 240
    assert notebook.complaints == []


def test_a_contest_reveals_nothing_before_its_end_and_keeps_the_answers(notebook):
    page = notebook.page
    explorer = page.locator(".mc-contest")
    explorer.scroll_into_view_if_needed()
    status, play = explorer.locator(".mc-status"), explorer.locator(".mc-play")
    labels, theirs = json.loads(
        notebook.execute("import json; print(json.dumps([contest.labels, contest.theirs]))")
    )
    answers = [labels[0], (labels[1] + 1) % 10, *labels[2:5], theirs[5]]

    play.locator("canvas").click()  # the digit takes the focus
    assert focused_in(explorer)
    page.keyboard.press("7")
    explorer.get_by_role("button", name="Take back").click()
    expect(explorer.get_by_role("button", name="Take back")).to_be_disabled()
    assert focused_in(explorer)
    page.keyboard.press(str(answers[0]))
    expect(status).to_have_text(f"You said {answers[0]}. 1 of 6 are named.")
    page.keyboard.press(str(labels[1]))
    page.keyboard.press("Backspace")
    expect(explorer.locator(".mc-progress")).to_have_text("Digit 2 of 6: which one is it?")
    explorer.get_by_role("button", name=str(answers[1]), exact=True).click()
    for answer in answers[2:4]:
        page.keyboard.press(str(answer))  # the focus is on the button that was clicked
    expect(status).to_have_text(f"You said {answers[3]}. 4 of 6 are named.")
    assert "network" not in explorer.inner_text().lower()
    assert explorer.locator("table").count() == 0
    look(page, explorer, "contest-asks")
    play.focus()
    for answer in answers[4:]:
        page.keyboard.press(str(answer))

    right = sum(one == label for one, label in zip(answers, labels, strict=True))
    correct = sum(one == label for one, label in zip(theirs, labels, strict=True))
    expect(status).to_contain_text(f"You agree with the label on {right} of 6 digits")
    expect(status).to_contain_text(f"the network on {correct} ")
    expect(play).to_be_hidden()
    assert explorer.locator("table").count() == 2
    mine = explorer.locator("table").first
    assert mine.locator("caption").inner_text() == "Your answers"
    row = mine.locator("tbody tr").nth(labels[1])
    assert int(row.locator("td").nth(answers[1]).inner_text()) >= 1
    assert explorer.locator(".mc-missed li").count() >= 1
    assert focused_in(explorer)
    look(page, explorer, "contest-compares")
    assert json.loads(notebook.execute("print(contest.answers)")) == answers
    explorer.get_by_role("button", name="Start again").click()
    expect(explorer.locator(".mc-progress")).to_have_text("Digit 1 of 6: which one is it?")
    assert json.loads(notebook.execute("print(contest.answers)")) == []
    assert notebook.complaints == []


def test_classes_with_names_are_called_by_them(write_notebook):
    notebook = write_notebook("named.ipynb", MAKE, NAMED, NAMED_CONTEST)
    notebook.run_all()
    assert notebook.errors() == []
    page = notebook.page
    occlusion, contest = page.locator(".mc-occlusion"), page.locator(".mc-contest")
    labels = json.loads(notebook.execute("import json; print(json.dumps(contest.labels))"))
    first = json.loads(notebook.execute("print(int(part.labels[0]))"))
    expect(occlusion.locator(".mc-status")).to_contain_text(f"the label is {KINDS[first]}, with")
    expect(occlusion.get_by_role("button", name=f"the label, {KINDS[first]}")).to_be_visible()
    look(page, occlusion, "occlusion-named")
    for label in labels[:2]:
        contest.get_by_role("button", name=f"{label} {KINDS[label]}", exact=True).click()
    expect(contest.locator(".mc-status")).to_contain_text(f"You said {KINDS[labels[1]]}.")
    look(page, contest, "contest-asks-named")
    contest.locator(".mc-play").focus()
    page.keyboard.press(str((labels[2] + 1) % 10))
    expect(contest.locator(".mc-status")).to_contain_text("with the label on 2 of 3 images")
    expect(contest.locator(".mc-missed")).to_contain_text(f"label {KINDS[labels[2]]}")
    look(page, contest, "contest-compares-named")
