"""A student's page: what it says, that it says nothing else, and that nothing in it can act."""

import base64
import hashlib
import re
import zipfile
from io import BytesIO

import pytest
from bs4 import BeautifulSoup

from mnist_course.assessment.verdict import Verdict
from mnist_course.exercises import EXERCISES
from mnist_course.grading.feedback import feedback_page, feedback_zip
from mnist_course.grading.marks import (
    NOT_HANDED_IN,
    ExerciseMark,
    HiddenCase,
    LessonMark,
    StudentMark,
)

HOSTILE = (
    "</script></pre></code><script>alert(1)</script><img src=x onerror=alert(1)>"
    "{{ 7 * 7 }}{% raw %} &amp; \" ' \x00\x1b[2J\u202e\u2066\ud800 [here](javascript:alert(1)) "
    "`<b>` [](#output-size) *<i>*"
)


def mark(name="output-size", verdict=Verdict.PASSED, points=1.0, **more):
    verdict = verdict if isinstance(verdict, str) else verdict.value
    return ExerciseMark(name, verdict, points, EXERCISES[name].points, **more)


def student(*marks, name="Ada", points=3.0, possible=10.0, **lesson):
    given = {"lesson": "02", "file": "02.ipynb", "points": points, "possible": possible, **lesson}
    return StudentMark("ada", name, "7", points, possible, (LessonMark(exercises=marks, **given),))


def soup(*marks, **more):
    return BeautifulSoup(feedback_page(student(*marks, **more), EXERCISES), "html.parser")


def words(node):
    return " ".join(node.get_text(" ").split())


def card(*marks):
    return soup(*marks).select("article")[0]


def test_a_wrong_answer_is_told_with_its_hint_and_where_to_read():
    page = soup(mark(
        verdict=Verdict.MISTAKE, points=0.0, mistake="rounded up",
        explanation="The size is wrong.\nOn size_after(28, [])\n  expected: 14\n  yours: 13",
        hint="The formula of [the output size](#output-size), `//` and [](#pooling).",
        source="def size_after(size, layers):\n    return size < 3 & 4\n",
    ))  # fmt: skip
    one = page.article
    assert "02.1 The size after several layers" in words(one.h3)
    assert words(one.select_one(".verdict")) == "✗ not right yet"
    assert words(one.select_one(".head .number")) == "0 of 1 points"
    assert words(one.find("p", string="The size is wrong.")) == "The size is wrong."
    example, source = (pre.get_text() for pre in one.select("pre"))
    assert example.strip("\n") == "On size_after(28, [])\n  expected: 14\n  yours: 13"
    assert source.strip("\n") == "def size_after(size, layers):\n    return size < 3 & 4"
    assert re.fullmatch(
        r"Hint\. The formula of the output size \(section \d+\), // and section \d+, “Pooling” \.",
        words(one.select_one(".hint")),
    )
    targets = [link["href"] for link in one.select(".hint a")]
    assert targets == ["#read-02-output-size", "#read-02-pooling"]
    assert [words(li) for li in page.select(".reading li")] == [
        "Lesson 02, “Padding, stride, output size” for 02.1",
        "Lesson 02, “Pooling” for 02.1",
    ]
    assert one.details.has_attr("open")
    assert "rounded up" not in words(page)  # the teacher's word for it


def test_every_link_leads_to_something_on_the_page():
    marks = [
        mark(name, Verdict.VALUE, 0.0) for name, one in EXERCISES.items() if one.lesson == "02"
    ]
    page = soup(*marks)
    ids = [node["id"] for node in page.select("[id]")]
    assert len(ids) == len(set(ids))
    links = page.select("a[href]")
    assert len(links) > 10
    assert {link["href"].removeprefix("#") for link in links} <= set(ids)


@pytest.mark.parametrize(
    ("verdict", "points", "label"),
    [
        (Verdict.PASSED, 1.0, "✓ right"),
        (Verdict.PASSED, 0.5, "◐ partly right"),
        (Verdict.PASSED, 0.0, "◐ partly right"),
        (Verdict.UNSOLVED, 0.0, "○ not solved yet"),
        (Verdict.NOT_JUDGED, 0.0, "? could not be checked"),
        (Verdict.SHAPE, 0.0, "✗ not right yet: wrong shape"),
        (NOT_HANDED_IN, 0.0, "○ not handed in"),
    ],
)
def test_a_verdict_in_words_and_with_a_sign(verdict, points, label):
    assert words(card(mark(verdict=verdict, points=points)).select_one(".verdict")) == label


def test_what_could_not_be_judged_is_not_called_wrong():
    page = soup(mark(verdict=Verdict.NOT_JUDGED, points=0.0), file="")
    assert "so it was not judged. Ask your teacher." in words(page.article)
    assert "could not be graded. Ask your teacher." in words(page.header)
    assert "No notebook" not in words(page)


def test_an_unchanged_stub_is_not_shown():
    assert not soup(mark(verdict=Verdict.UNSOLVED, points=0.0, source="def f(): ...")).pre


def test_hidden_cases_are_told_by_outcome_and_cost():
    hidden = (
        HiddenCase(1, "passed", 0),
        HiddenCase(2, "crashed", 0.25),
        HiddenCase(3, "out of time", 1),
        HiddenCase(4, "not run", 0),
    )
    one = card(mark(points=0.5, hidden=hidden, visible=7))
    assert "Cases: 7 visible, 4 hidden." in words(one)
    assert "Right on all visible cases, but not on all hidden ones." in words(one)
    assert "It passed 1 of 4 hidden cases." in words(one)
    assert [words(li) for li in one.select(".cases li")] == [
        "Hidden case 2 stopped with an exception, which cost 0.25 points.",
        "Hidden case 3 took too long and was stopped, which cost 1 point.",
        "Hidden case 4 was not run.",
    ]
    two = card(mark(hidden=hidden[:1] * 2))
    assert "It passed all 2 hidden cases." in words(two)
    assert not two.select(".cases")
    assert "Cases: 3 visible, none hidden." in words(card(mark(visible=3)))


def test_remarks_weight_and_late_rule():
    page = soup(mark(), points=1.8, possible=2.0, late=True, remarks=("From an older course.",))
    assert "1.8 of 2 points, handed in late, from 02.ipynb" in words(page.section)
    assert (
        "The exercises earned 1 of 1, before the weight of the lesson and the rule for late work."
        in words(page.section)
    )
    assert words(page.select_one("section .remark")) == "From an older course."
    assert "weight" not in words(soup(mark(), points=1.0, possible=1.0))


@pytest.mark.parametrize(
    ("marks", "file", "said"),
    [
        ([mark()], "a", "Everything is right. Well done!"),
        (
            [mark(), mark(verdict=Verdict.VALUE, points=0.0)],
            "a",
            "You solved 1 of 2 exercises. For",
        ),
        ([mark(verdict=Verdict.UNSOLVED, points=0.0)], "a", "You solved 0 of 1 exercises. Start"),
        ([mark(verdict=NOT_HANDED_IN, points=0.0)], "", "No notebook was found"),
    ],
)
def test_the_summary(marks, file, said):
    assert said in words(soup(*marks, file=file).header)


def test_hostile_texts_are_shown_and_do_nothing():
    """In every field that somebody else has a say in."""
    one = mark(
        verdict=Verdict.RAISED, points=0.0, explanation=f"{HOSTILE}\n{HOSTILE}", hint=HOSTILE,
        source=HOSTILE,
    )  # fmt: skip
    found = student(one, name=HOSTILE, file=HOSTILE, remarks=(HOSTILE,))
    content = feedback_page(found, EXERCISES)
    text = content.decode("utf-8")
    page = BeautifulSoup(content, "html.parser")
    assert not page.select("script, img, b, i, iframe, object, link, base, form")
    assert not [tag for tag in page.find_all(True) if any(a.startswith("on") for a in tag.attrs)]
    assert all(link["href"].startswith("#") for link in page.select("[href]"))
    assert not page.select("[src]")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert "‹U+202E›‹U+2066›‹U+D800›" in text
    assert "{{ 7 * 7 }}{% raw %}" in text
    assert "<script>alert(1)</script>" in page.h1.get_text()  # as a text
    assert page.h1.bdi  # a name that is written from right to left turns nothing else round


def test_the_policy_lets_nothing_in_but_the_pages_own_style():
    text = feedback_page(student(mark()), EXERCISES).decode()
    [style] = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    [policy] = re.findall('Content-Security-Policy" content="(.*?)"', text)
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert "url(" not in style
    assert "@import" not in style
    assert not re.search(r'\sstyle="', text)  # the policy would switch it off


def test_a_very_long_answer_is_cut():
    page = card(mark(verdict=Verdict.VALUE, points=0.0, source="x = 1\n" * 10_000))
    assert len(page.select_one("pre").get_text()) < 21_000
    assert "The rest is left out here" in words(page)


def test_the_same_marks_give_the_same_page():
    assert feedback_page(student(mark()), EXERCISES) == feedback_page(student(mark()), EXERCISES)


# --- Moodle -------------------------------------------------------------------------------


def taken_by_moodle(content, participants):
    """The feedback files that Moodle's importer takes from a zip: by number, names and contents."""
    found = {}
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for path in archive.namelist():
            parts = ["import", *path.split("/")]
            assert parts[-1][0] not in ".~"  # hidden files are passed over
            while parts:
                info = parts.pop(0).split("_", 4)
                if len(info) < 4 or not info[1].isdigit() or int(info[1]) not in participants:
                    continue
                assert info[2:4] == ["assignsubmission", "file"]
                name = "/".join([*info[4:], *parts])
                found[int(info[1])] = name, archive.read(path)
                break
    return found


NAMES = ["Ada Lovelace", "王芳", 'O\'Neil_de_la/Cruz: "Z"', "  ..", "A_99_assignsubmission_file_x"]


def test_moodle_takes_the_zip_whatever_a_name_holds():
    pages = [
        (StudentMark(f"k{number}", name, str(number), 0, 1, ()), f"page {number}".encode())
        for number, name in enumerate(NAMES, start=11)
    ]
    found = taken_by_moodle(feedback_zip(pages), {11, 12, 13, 14, 15, 99})
    assert found == {
        number: ("feedback.html", f"page {number}".encode()) for number in range(11, 16)
    }


def test_folders_are_called_as_moodle_calls_them():
    content = feedback_zip([(StudentMark("k", "Ada Lovelace", "7", 0, 1, ()), b"page")])
    with zipfile.ZipFile(BytesIO(content)) as archive:
        [entry] = archive.infolist()
    assert entry.filename == "Ada Lovelace_7_assignsubmission_file/feedback.html"
    assert (entry.date_time, entry.create_system) == ((1980, 1, 1, 0, 0, 0), 3)
