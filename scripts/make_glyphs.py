"""Make the digits of single-stroke fonts that `drawing.writers` writes with.

    python scripts/make_glyphs.py FOLDER_OF_HERSHEY_FONTS FOLDER_OF_SVG_FONTS

The first is where the package Hershey-Fonts 2.1.0 is installed, the second holds the EMS fonts, as
in /usr/share/inkscape/extensions/svg_fonts of Debian's package inkscape. Of each digit the strokes
are kept, in a box from 0 to 1 of the font's height, y down.
"""

import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

GLYPHS = Path(__file__).parent.parent / "mnist_course" / "drawing" / "glyphs"
HERSHEY = {"futural": "simplex", "scripts": "script"}
SVG = "{http://www.w3.org/2000/svg}"
HERSHEY_NOTICE = (
    "The Hershey Fonts were originally created by Dr. A. V. Hershey while working at the U. S. "
    "National Bureau of Standards. The format of the font data in which they were distributed was "
    "originally created by James Hurt, Cognition, Inc. Taken from the package Hershey-Fonts "
    "(Copyright (c) 2020 apshu, MIT licence)."
)
EMS_NOTICE = (
    "Digits of the EMS fonts by Sheldon B. Michaels (SVG conversion by Windell H. Oskay), each "
    "derived from the font named here. SIL Open Font License 1.1, see OFL.txt."
)


def hershey(folder):
    sys.path.insert(0, folder)
    from HersheyFonts import HersheyFonts

    fonts = {}
    for name, ours in HERSHEY.items():
        font = HersheyFonts()
        font.load_default_font(name)
        fonts[ours] = fitted({d: list(font.strokes_for_text(d)) for d in "0123456789"}, 1)
    return {"notice": HERSHEY_NOTICE, "fonts": fonts}


def ems(folder):
    fonts, sources = {}, {}
    for path in sorted(Path(folder).glob("EMS*.svg")):
        tree = ElementTree.parse(path)
        digits = {
            one.get("unicode"): strokes_of(one.get("d"))
            for one in tree.iter(f"{SVG}glyph")
            if one.get("unicode") in list("0123456789")
        }
        name = path.stem.removeprefix("EMS").lower()
        fonts[name] = fitted(digits, -1)
        about = tree.find(f"{SVG}metadata").text
        sources[name] = re.search(r"A derivative of:\s*(.+)", about)[1].strip()
    return {"notice": EMS_NOTICE, "derived_from": sources, "fonts": fonts}


def strokes_of(path):
    """Strokes of an SVG path that has absolute moves and lines alone."""
    strokes = []
    for command, x, y in re.findall(r"([ML])\s*(-?[\d.]+)[\s,]+(-?[\d.]+)", path):
        if command == "M":
            strokes.append([])
        strokes[-1].append((float(x), float(y)))
    return strokes


def fitted(digits, down):
    """Digits whose heights lie between 0 and 1, y down. `down` is -1 where y points up."""
    fit = {}
    for digit, strokes in sorted(digits.items()):
        points = [(x, down * y) for stroke in strokes for x, y in stroke]
        left, top = (min(values) for values in zip(*points, strict=True))
        height = max(y for _, y in points) - top
        fit[digit] = [
            [[round((x - left) / height, 3), round((down * y - top) / height, 3)] for x, y in one]
            for one in strokes
        ]
    return fit


def main():
    hershey_folder, svg_folder = sys.argv[1:]
    for name, content in (("hershey", hershey(hershey_folder)), ("ems", ems(svg_folder))):
        text = json.dumps(content, indent=1, ensure_ascii=False)
        # the strokes of a digit on one line
        text = re.sub(
            r"\[\s+(?=\[|[-\d])|(?<=[\d\]]),\s+(?=[-\d\[])|(?<=[\d\]])\s+\]", _joined, text
        )
        (GLYPHS / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _joined(found):
    mark = found[0].strip()
    return f"{mark} " if mark == "," else mark


if __name__ == "__main__":
    main()
