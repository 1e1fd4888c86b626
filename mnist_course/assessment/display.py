"""Results and hints as a lesson shows them: HTML for eyes and screen readers, and plain text."""

import html
import re
import sys

from mnist_course.assessment.verdict import Verdict

# What sentences and hints may hold: [term](#id of a section), `code`, *stress*.
LINK = re.compile(r"\[([^\]]*)\]\(#([\w-]+)\)")
CODE = re.compile(r"`([^`]+)`")
STRESS = re.compile(r"\*{1,2}(\w[^*]*)\*{1,2}")
SIGNS = {Verdict.PASSED: "✓", Verdict.UNSOLVED: "○"}  # and ✗: colour is never the only sign
COLOURS = {Verdict.PASSED: "#2e7d32", Verdict.UNSOLVED: "#757575"}  # visible on white and on black
WRONG = "#c2410c"
NEUTRAL = "#1d6fb8"  # of a hint


def plain(text, sections):
    """A sentence with its marks as plain text: links name their section.

    sections: the lesson's headings by id.
    """
    parts = re.split(r"(`[^`]+`)", text)  # code holds no marks: it may be a student's own
    for index in range(0, len(parts), 2):
        parts[index] = _linked(parts[index], sections, lambda link: _named(link, sections))
    return "".join(parts)


def _linked(text, sections, made_of):
    """A text with its links as `made_of` makes them; what only looks like a link stays."""
    return LINK.sub(lambda link: made_of(link) if link[2] in sections else link[0], text)


def _named(link, sections):
    name, text = section(sections[link[2]]), term(link, sections)
    return text if text.lower() == name.lower() else f"{text} ({name})"


def term(link, sections):
    """The words of a link: its own, or the number of the section, "Section 7"."""
    if link[1] in ("", "section", "Section"):
        name = section(sections[link[2]])
        return name[0].upper() + name[1:] if link[1] == "Section" else name
    return link[1]


def rich(text, sections, made_of=None):
    """The same as HTML: code is set as code, and links lead to the section.

    made_of: makes other HTML of a link, a match of LINK.
    """
    made_of = made_of or (
        lambda link: f'<a href="#{anchor(sections[link[2]])}">{term(link, sections)}</a>'
    )
    parts = CODE.split(html.escape(text))
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"<code>{part}</code>"
        else:
            parts[index] = STRESS.sub(r"<em>\1</em>", _linked(part, sections, made_of))
    return "".join(parts)


def anchor(heading):
    """The id that JupyterLab gives to a heading, for a link to it."""
    return heading.replace("`", "").replace(" ", "-").replace('"', "%22")


def section(heading):
    """ "section 7" for the heading "7. Pooling"; other headings stand in quotation marks."""
    number = heading.partition(". ")[0]
    return f"section {number}" if number.isdigit() else f"“{heading}”"


def lines_of(result, exercise):
    """A result as pairs of a label and a text with marks; the first is its headline."""
    title = f"Exercise {exercise.number}: {exercise.title}."
    points = f"{exercise.points} point{'s' * (exercise.points != 1)}"
    if result.verdict is Verdict.PASSED:
        return [("", f"{title} Right on all {len(exercise.cases)} visible cases. {points}.")]
    more = f'`hint("{exercise.name}")` gives a hint.'
    if result.verdict is Verdict.UNSOLVED:
        return [("", f"{title} Not solved yet. {points}. {more}")]
    found = [("", f"{title} Not right yet. {result.sentence}".rstrip())]
    if result.call:
        found.append(("on", result.call))
        found += result.inputs
        found.append(("expected", result.expected))
        if result.got:
            found.append(("yours", result.got))
    if result.printed:
        found.append(("it printed", result.printed))
    if result.hint:
        found.append(("Hint", result.hint))
        more = f'`hint("{exercise.name}")` gives another.'
    found.append(("", f"Read again: {link(exercise)}. {more}"))
    return found


def link(exercise):
    """A mark that leads to an exercise's section."""
    heading = exercise.sections[exercise.section]
    return f"[{heading.partition('. ')[2] or heading}](#{exercise.section})"


BLOCK = "display:inline-block;vertical-align:top;white-space:pre-wrap"  # rows under each other


def as_text(lines, sections, verdict=None):
    """Pairs of label and text as plain text. verdict: None for a hint."""
    sign = SIGNS.get(verdict, "✗") if verdict else "→"
    told = []
    for number, (label, text) in enumerate(lines):
        text = text if label and label != "Hint" else plain(text, sections)
        if number == 0:
            told.append(f"{sign} {text}")
        elif label:
            told.append(f"  {label}: " + text.replace("\n", "\n    " + " " * len(label)))
        else:
            told.append(f"  {text}")
    return "\n".join(told)


def as_html(lines, sections, verdict=None):
    """Pairs of label and text as HTML, readable on light and dark pages and by screen readers."""
    sign = SIGNS.get(verdict, "✗") if verdict else "→"
    colour = COLOURS.get(verdict, WRONG) if verdict else NEUTRAL
    (_, headline), rest = lines[0], lines[1:]
    parts = [
        f'<p style="margin:0"><span aria-hidden="true" style="color:{colour}">{sign}</span> '
        f"{rich(headline, sections)}</p>"
    ]
    for label, text in rest:
        if not label or label == "Hint":
            start = f"<strong>{label}:</strong> " if label else ""
            parts.append(f'<p style="margin:0.3em 0 0">{start}{rich(text, sections)}</p>')
        else:
            parts.append(
                f'<p style="margin:0.1em 0 0 1.2em">{html.escape(label)}: '
                f'<code style="{BLOCK}">{html.escape(text)}</code></p>'
            )
    return (
        f'<div role="status" style="border-left:4px solid {colour};'
        f'padding:0.3em 0.8em;max-width:72em">{"".join(parts)}</div>'
    )


def display(lines, sections, verdict=None):
    """Show in the notebook; outside of one, print."""
    coding = getattr(sys.stdout, "encoding", None) or "utf-8"
    # a terminal may lack "→", and an answer may return half of a character
    text = as_text(lines, sections, verdict).encode(coding, "replace").decode(coding)
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display as show

        page = as_html(lines, sections, verdict).encode("utf-8", "replace").decode()
        show({"text/html": page, "text/plain": text}, raw=True)
    else:
        print(text)
