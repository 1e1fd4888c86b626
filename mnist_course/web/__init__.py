"""JavaScript and CSS of the course's pages: files of their own, without a build step."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
STYLES = ("theme.css", "explorer.css")  # of the explorers


def module(name):
    """A JavaScript module with all that it imports from files beside it, as one text.

    A widget's code is loaded from a text, and from there no file can be found.
    """
    return "\n".join(_with_imports(name, set()))


def _with_imports(name, seen):
    text = (FOLDER / name).read_text(encoding="utf-8")
    imported = re.compile(r'^import \{[^}]*\} from "\./([\w.]+)";\n', re.M)
    for other in imported.findall(text):
        if other not in seen:
            seen.add(other)
            for part in _with_imports(other, seen):
                yield re.sub(r"^export (?!default)", "", part, flags=re.M)
    yield imported.sub("", text)


def styles(*names):
    """Files of CSS as one text."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)
