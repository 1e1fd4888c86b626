"""Drawing ahead: the next picture of a walk along a slider, before it is asked for."""

import asyncio

PAUSE = 0.02  # seconds after a change before the next picture is drawn


class Ahead:
    """Draws the picture of a slider's next step while the student studies the present one.

    The next step is the one in the direction of the last move. The page keeps the picture, and
    shows it at once if the slider gets there (see `web/picture.js`).

    explorer: the explorer that draws; names: of the sliders along which it draws ahead.
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
        except Exception:  # if the slider gets there, the student is told
            return
        place = view.controls.index(controls[name])
        view.keep(picture, [*view.state()[:place], following, *view.state()[place + 1 :]])
