"""Results and hints as a lesson shows them: HTML for eyes and screen readers, and plain text."""

import html
import re

from mnist_course.checks.judging import PASSED, UNSOLVED

# What sentences and hints may hold: [term](heading of a section), `code`, *stress*.
LINK = re.compile(r"\[([^\]]+)\]\(((?:[^()]|\(\))+)\)")
CODE = re.compile(r"`([^`]+)`")
STRESS = re.compile(r"\*{1,2}(\w[^*]*)\*{1,2}")
SIGNS = {PASSED: "✓", UNSOLVED: "○"}  # and ✗: colour is never the only sign
COLOURS = {PASSED: "#2e7d32", UNSOLVED: "#757575"}  # visible on white and on black
WRONG = "#c2410c"
NEUTRAL = "#1d6fb8"  # of a hint


def plain(text):
    """A sentence with its marks as plain text: links name their section."""
    parts = re.split(r"(`[^`]+`)", text)  # code holds no marks: it may be a student's own
    for index in range(0, len(parts), 2):
        parts[index] = LINK.sub(lambda link: f"{link[1]}{section(link[2], link[1])}", parts[index])
    return "".join(parts)


def rich(text):
    """The same as HTML: links lead to the section, code is set as code."""
    parts = CODE.split(html.escape(text, quote=False))
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"<code>{part}</code>"
        else:
            part = LINK.sub(lambda link: f'<a href="#{anchor(link[2])}">{link[1]}</a>', part)
            parts[index] = STRESS.sub(r"<em>\1</em>", part)
    return "".join(parts)


def anchor(heading):
    """The id that JupyterLab gives to a heading, for a link to it."""
    return heading.replace(" ", "-").replace('"', "%22")


def section(heading, term):
    """ " (section 7)" for the heading "7. Pooling", unless the term says so itself."""
    number = heading.partition(". ")[0]
    name = f"section {number}" if number.isdigit() else f"“{heading}”"
    return "" if term.lower() == name else f" ({name})"


def lines_of(result, exercise):
    """A result as pairs of a label and a text with marks; the first is its headline."""
    title = f"Exercise {exercise.number}: {exercise.title}."
    points = f"{exercise.points} point{'s' * (exercise.points != 1)}"
    if result.state == PASSED:
        return [("", f"{title} Right. {points}.")]
    more = f'`hint("{exercise.name}")` gives a hint.'
    if result.state == UNSOLVED:
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
    return f"[{exercise.paragraph.partition('. ')[2] or exercise.paragraph}]({exercise.paragraph})"


BLOCK = "display:inline-block;vertical-align:top;white-space:pre-wrap"  # rows under each other


def as_text(lines, state=""):
    """Pairs of label and text as plain text."""
    sign = SIGNS.get(state, "✗") if state else "→"
    shown = []
    for number, (label, text) in enumerate(lines):
        text = text if label and label != "Hint" else plain(text)
        if number == 0:
            shown.append(f"{sign} {text}")
        elif label:
            shown.append(f"  {label}: " + text.replace("\n", "\n    " + " " * len(label)))
        else:
            shown.append(f"  {text}")
    return "\n".join(shown)


def as_html(lines, state=""):
    """Pairs of label and text as HTML, readable on light and dark pages and by screen readers."""
    sign = SIGNS.get(state, "✗") if state else "→"
    colour = COLOURS.get(state, WRONG) if state else NEUTRAL
    (_, headline), rest = lines[0], lines[1:]
    parts = [
        f'<p style="margin:0"><span aria-hidden="true" style="color:{colour}">{sign}</span> '
        f"{rich(headline)}</p>"
    ]
    for label, text in rest:
        if not label or label == "Hint":
            start = f"<strong>{label}:</strong> " if label else ""
            parts.append(f'<p style="margin:0.3em 0 0">{start}{rich(text)}</p>')
        else:
            parts.append(
                f'<p style="margin:0.1em 0 0 1.2em">{html.escape(label)}: '
                f'<code style="{BLOCK}">{html.escape(text)}</code></p>'
            )
    return (
        f'<div role="status" style="border-left:4px solid {colour};'
        f'padding:0.3em 0.8em;max-width:50em">{"".join(parts)}</div>'
    )


def display(lines, state=""):
    """Show in the notebook; outside of one, print."""
    text = as_text(lines, state)
    try:
        from IPython import get_ipython
        from IPython.display import display as show
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print(text)
    else:
        show({"text/html": as_html(lines, state), "text/plain": text}, raw=True)
