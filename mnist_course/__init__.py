"""Helpers for a course on recognising handwritten digits.

Import it before torch: it sets how torch waits and how many threads it starts, unless you did
(`capacity.share_machine`). Otherwise importing it does nothing: no download, no device chosen.
"""

from mnist_course import capacity

__version__ = "1.0.0"

capacity.share_machine()
