"""What all pages of a grading share: how they are made, and how texts of others become harmless.

A page is one file without a script and without anything from elsewhere. Its policy says so to the
browser, too: whatever a student has written into an answer or a name can't load or run anything.
"""

import base64
import functools
import hashlib
import html
import re

import jinja2
from markupsafe import Markup

from mnist_course import web
from mnist_course.assessment import display
from mnist_course.assessment.verdict import Verdict
from mnist_course.grading.marks import NOT_HANDED_IN

# Characters that can't be seen and do something: control characters, those that turn the direction
# of writing, and halves of characters, which no file in UTF-8 can hold.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ud800-\udfff]"
)


def visible(value):
    """A text of anybody's with its unseen characters named, such as ‹U+202E›; others as they are.

    Every value that a page shows goes through here.
    """
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return UNSEEN.sub(lambda found: f"‹U+{ord(found[0]):04X}›", value.replace("\r\n", "\n"))


@functools.cache
def _environment():
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(web.FOLDER, encoding="utf-8"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["points"] = points
    environment.filters["counted"] = counted
    environment.filters["times"] = times
    return environment


def page(template, **values):
    """The bytes of a page. template: the name of a file in `web`, "feedback" or "class"."""
    style = (web.FOLDER / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    made = _environment().get_template(f"{template}.jinja")
    return made.render(style=Markup(style), policy=Markup(policy), **values).encode()


def points(number):
    """Points as they are read: 7, 7.5, 0.33."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def counted(number, noun):
    """ "1 point", "2 points"; number: a number, or a text of `points`."""
    text = points(number)
    return f"{text} {noun}{'' if text == '1' else 's'}"


def times(number):
    """ "once", "twice", "3 times"."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def state(mark):
    """What a mark looks like on a page: "right", "partly", "wrong", "open" or "unknown"."""
    if mark.verdict == Verdict.NOT_JUDGED.value:
        return "unknown"
    if mark.verdict in (Verdict.UNSOLVED.value, NOT_HANDED_IN):
        return "open"
    if mark.verdict == Verdict.PASSED.value and mark.points >= mark.possible:
        return "right"
    return "partly" if mark.points > 0 or mark.verdict == Verdict.PASSED.value else "wrong"


def marked(text, sections, link=None):
    """A sentence or a hint of the course as HTML: code as code, and sections by their names.

    sections: the lesson's headings by id; link: from a section's id to where a link leads, or None
    where there is nothing to lead to.
    """
    return Markup(
        display.rich(visible(text), sections, lambda found: _section(found, sections, link))
    )


def _section(found, sections, link):
    heading = sections[found[2]]
    number, title = display.section(heading), heading_alone(heading)
    own = found[1] if found[1].casefold() not in ("", "section") else ""
    text = own or html.escape(number if number[0] == "“" else f"{number}, “{title}”")
    if found[1] == "Section":
        text = text[0].upper() + text[1:]
    name = f'<a href="{html.escape(link(found[2]))}">{text}</a>' if link else text
    return f"{name} ({html.escape(number)})" if own else name


def heading_alone(heading):
    """A section's heading without its number and marks: "Pooling" for "7. Pooling"."""
    number, _, rest = heading.partition(". ")
    return (rest if number.isdigit() else heading).replace("`", "")
