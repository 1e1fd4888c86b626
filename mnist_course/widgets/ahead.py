"""Drawing ahead: the next picture of a walk along a slider, before it is asked for."""

import asyncio

PAUSE = 0.02  # seconds after a change before the next picture is drawn


class Ahead:
    """Draws the picture of a slider's next step while the student looks at the present one.

    The next step is the one in the direction of the last move. The page keeps the picture, and
    shows it at once if the slider gets there (see `web/picture.js`).

    explorer: whose pictures; names: of the sliders that are walked along.
    """

    def __init__(self, explorer, names):
        self.explorer, self.names = explorer, names
        self._planned = None

    def plan(self, name, change):
        """Have the step after this change drawn, after a pause without another change.

        name: of the control that has changed; change: what traitlets tells of it.
        """
        if self._planned is not None:
            self._planned.cancel()
        if name not in self.names:
            return
        slider = change.owner
        step = slider.step if change.new > change.old else -slider.step
        following = round(change.new + step, 6)  # 0.3, not 0.30000000000000004
        if not slider.min <= following <= slider.max:
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
        except Exception:  # the student is told if it comes to that
            return
        place = view.controls.index(controls[name])
        view.keep(picture, [*view.state()[:place], following, *view.state()[place + 1 :]])
