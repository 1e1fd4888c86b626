"""Controls of an explorer: sliders, lists and buttons with labels, in rows."""

import ipywidgets


def rows(*widgets_of_rows):
    """Controls in rows that wrap where the notebook is narrow: each argument is one row."""
    lines = [ipywidgets.HBox(list(row)) for row in widgets_of_rows]
    for line in lines:
        line.add_class("mc-row")
    return ipywidgets.VBox(lines)


def slider(label, value, low, high, step=1, help=""):
    """A slider of whole numbers, or of fractions where `step` is one; `help` is its tooltip."""
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(
        value=value, min=low, max=high, step=step, description=label,
        tooltip=f"{label}: {help}" if help else label, continuous_update=True,
        layout={"width": "264px"}, style={"description_width": "96px"},
    )  # fmt: skip


def dropdown(label, options, value=None, help=""):
    """A list to choose one of `options` from; the first one unless `value` is given."""
    options = list(options)
    return ipywidgets.Dropdown(
        options=options, value=options[0] if value is None else value, description=label,
        tooltip=f"{label}: {help}" if help else label, layout={"width": "264px"},
        style={"description_width": "96px"},
    )  # fmt: skip


def buttons(label, options, value=None, help=""):
    """A row of buttons of which one is pressed, or none where `value` is None."""
    return ipywidgets.ToggleButtons(
        options=list(options), value=value, description=label,
        tooltips=[f"{label}: {help}" if help else label] * len(options),
        style={"description_width": "96px", "button_width": "auto"},
    )  # fmt: skip


def same_place(position, before, after):
    """Where a place of one map lies in a map of another size; both (rows, columns), row by row."""
    row, column = divmod(position, before[1])
    return row * after[0] // before[0] * after[1] + column * after[1] // before[1]
