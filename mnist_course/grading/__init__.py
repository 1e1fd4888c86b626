"""Notebooks of students: read them, run their answers apart from everything else, judge them."""
