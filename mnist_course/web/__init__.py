"""JavaScript and CSS of the course's pages: files of their own, without a build step."""

import re
from pathlib import Path

FOLDER = Path(__file__).parent
IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(async )?(function|const|class)\b)", re.MULTILINE)


def joined(name):
    """A module of this folder in one text, with all that it imports from this folder.

    A widget's code and a page in one file can't import other files. The modules stand one after
    the other, each once, so their top level names must differ.
    """
    return _joined(name, set())


def _joined(name, taken):
    taken.add(name)
    source = (FOLDER / name).read_text(encoding="utf-8")
    parts = [
        EXPORT.sub("", _joined(other, taken))
        for other in IMPORT.findall(source)
        if other not in taken
    ]
    return "".join([*parts, IMPORT.sub("", source)])


def styles(*names):
    """Style sheets of this folder in one text."""
    return "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in names)
