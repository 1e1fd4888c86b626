"""A table in a CSV file, of which single cells can be changed and every other byte stays.

Writing a file anew would change quotes, line ends and the byte-order mark, which a platform may
care about. So each cell remembers where it stands in the text.
"""

import re
from dataclasses import dataclass

from mnist_course.runtime import CourseError

SEPARATORS = ",;\t"
FEWEST = 4  # columns; with fewer, the text was not taken apart at the right character


class SheetError(CourseError):
    """The file can't be used; the message says why, and what to do."""


@dataclass(frozen=True)
class Cell:
    """What a cell says, and where it stands in the text, its quotes included."""

    value: str
    start: int
    end: int


class Sheet:
    """The cells of a CSV file. `rows` leaves out empty lines; the first one is the header.

    Raises SheetError for bytes that are not a table in UTF-8.
    """

    def __init__(self, content):
        try:
            self.text = content.decode("utf-8")
        except UnicodeDecodeError:
            raise SheetError(
                "the file is not in UTF-8, so it was saved by another program. Export it again, "
                "again, and name the file as the platform gives it"
            ) from None
        first = self.text.partition("\n")[0]
        self.separator = max(SEPARATORS, key=first.count)
        self.rows = _rows(self.text, self.separator)
        if not self.rows or len(self.rows[0]) < FEWEST:
            raise SheetError(
                f"the file holds no table, or one with fewer than {FEWEST} columns. Export it "
                "again, and name the file as the platform gives it"
            )
        self.header = [cell.value.strip() for cell in self.rows[0]]

    def with_values(self, values):
        """The file's bytes with some cells changed. values: dict from `Cell` to its new text."""
        parts, end = [], 0
        for cell in sorted(values, key=lambda one: one.start):
            parts += [self.text[end : cell.start], self._written(values[cell], cell)]
            end = cell.end
        return "".join([*parts, self.text[end:]]).encode()

    def _written(self, value, cell):
        """A value as the file holds it: in quotes where the old one was, or where it has to be."""
        quoted = self.text[cell.start : cell.end].startswith('"')
        if quoted or any(sign in value for sign in f'{self.separator}"\r\n'):
            return '"' + value.replace('"', '""') + '"'
        return value


def _rows(text, separator):
    """The rows of a text, as lists of cells. Raises SheetError where a quote is never closed."""
    quoted, plain = r'"[^"]*(?:""[^"]*)*"', rf'(?!")[^{separator}\r\n]*'
    pattern = re.compile(rf"(?P<value>{quoted}|{plain})(?P<end>{separator}|\r\n?|\n|\Z)")
    place = text.startswith("\ufeff")  # the byte-order mark stays where it is
    rows: list[list[Cell]] = [[]]
    while True:
        found = pattern.match(text, place)
        if found is None:
            line = text.count("\n", 0, place) + 1
            raise SheetError(f"line {line} of the file can't be read: its quotes do not match")
        value = found["value"]
        if value.startswith('"'):
            value = value[1:-1].replace('""', '"')
        rows[-1].append(Cell(value, *found.span("value")))
        place = found.end()
        if not found["end"]:
            break
        if found["end"] != separator:
            rows.append([])
    return [row for row in rows if len(row) > 1 or row[0].value.strip()]
