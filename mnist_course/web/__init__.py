"""JavaScript and CSS of the course's pages: files of their own, without a build step."""

from pathlib import Path

FOLDER = Path(__file__).parent
