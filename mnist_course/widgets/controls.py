"""Controls of an explorer: sliders and lists with labels, in rows."""

import ipywidgets


def rows(*widgets_of_rows):
    """Controls in rows that wrap where the notebook is narrow: each argument is one row."""
    return ipywidgets.VBox([
        ipywidgets.HBox(list(row), layout={"flex_flow": "row wrap"}) for row in widgets_of_rows
    ])  # fmt: skip


def slider(label, value, low, high, step=1, help="", width="275px"):
    """A slider of whole numbers, or of fractions where `step` is one; `help` is its tooltip."""
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(
        value=value, min=low, max=high, step=step, description=label,
        tooltip=f"{label}: {help}" if help else label, continuous_update=True,
        layout={"width": width}, style={"description_width": "initial"},
    )  # fmt: skip


def dropdown(label, options, value=None, help="", width="240px"):
    """A list to choose one of `options` from; the first one unless `value` is given."""
    options = list(options)
    return ipywidgets.Dropdown(
        options=options, value=options[0] if value is None else value, description=label,
        tooltip=f"{label}: {help}" if help else label, layout={"width": width},
        style={"description_width": "initial"},
    )  # fmt: skip


def same_place(position, before, after):
    """Where a place of one map lies in a map of another size; both (rows, columns), row by row."""
    row, column = divmod(position, before[1])
    return row * after[0] // before[0] * after[1] + column * after[1] // before[1]
