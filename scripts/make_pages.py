"""Make README.md and docs/NAME.md from docs/NAME.in.md, whose marks quote results.

    python scripts/make_pages.py

`make notebooks` does this, too. A mark is written as in a lesson.
"""

from pathlib import Path

from mnist_course import results, runtime

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "docs").glob("*.in.md"))


def page_of(source):
    """The page that is made from a source: the README lies at the top, the others in docs/."""
    name = source.name.replace(".in.md", ".md")
    return (ROOT if name == "README.md" else source.parent) / name


def text_of(source):
    """The text of a page: that of its source with every mark filled in."""
    note = f"<!-- Made by `make notebooks` from docs/{source.name}: edit that file. -->\n\n"
    return note + results.fill(source.read_text(encoding="utf-8"))


def main():
    for source in SOURCES:
        runtime.write_whole(page_of(source), text_of(source).encode())
        print(page_of(source))


if __name__ == "__main__":
    main()
