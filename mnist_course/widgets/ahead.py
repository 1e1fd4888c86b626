"""Drawing ahead: the next picture of a walk along a control, before it is asked for."""

import asyncio

PAUSE = 0.02  # seconds after a change before the next picture is drawn


class Ahead:
    """Draws the picture of a control's next step while the student studies the present one.

    The next step repeats the last one. The page keeps the picture, and shows it at once if the
    control gets there (see `web/picture.js`).

    explorer: the explorer that draws; names: of the controls along which it draws ahead, each
    with a smallest and a largest value.
    """

    def __init__(self, explorer, names):
        self.explorer, self.names = explorer, names
        self._planned = None

    def plan(self, name, change):
        """Have the step after this change drawn, after a pause without another change.

        name: of the control that has changed; change: what traitlets passes to an observer.
        """
        if self._planned is not None:
            self._planned.cancel()
        if name not in self.names:
            return
        following = _following(change.old, change.new, change.owner)
        if following is None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # there is no page that could wait for it
            return
        self._planned = loop.call_later(PAUSE, self._draw, name, following)

    def _draw(self, name, following):
        view, controls = self.explorer.view, self.explorer.controls
        try:
            picture = self.explorer.drawn(**{name: following})
        except Exception:  # if the control gets there, the student is told
            return
        place = view.controls.index(controls[name])
        view.keep(picture, [*view.state()[:place], following, *view.state()[place + 1 :]])


def _following(old, new, control):
    """The value after the same step once more; None where the control ends before.

    A list of numbers goes on in each of them.
    """
    if isinstance(new, list):
        values = [_following(*pair, control) for pair in zip(old, new, strict=True)]
        return None if None in values else values
    value = round(new + (new - old), 6)  # 0.3, not 0.30000000000000004
    return value if control.min <= value <= control.max else None
