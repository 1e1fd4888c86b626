"""The still picture that an explorer leaves where widgets can't be shown: in pages and prints."""

import base64
import html


class WithStill:
    """A widget beside which a still picture stands. still: its mimebundle, as `bundle` makes it."""

    still: dict

    def _repr_mimebundle_(self, **kwargs):
        """The live widget, and beside it the still picture."""
        live = super()._repr_mimebundle_(**kwargs) or {}  # type: ignore[misc]
        data, *metadata = live if isinstance(live, tuple) else (live,)
        data = {**data, **self.still}
        return (data, *metadata) if metadata else data


def bundle(title, text, pictures=(), width=0):
    """A mimebundle of a text and its picture, if there is one.

    pictures: two PNG files as bytes, for the light theme and the dark one; width: in pixels of the
    page, on which nothing is shown wider.
    """
    found = {"text/plain": f"{title}: {text}"}
    image = ""
    if pictures:
        light, dark = (base64.b64encode(one).decode() for one in pictures)
        found["image/png"] = light
        alt = html.escape(f"{title}: {text}")
        image = (
            '<picture><source media="screen and (prefers-color-scheme: dark)" '
            f'srcset="data:image/png;base64,{dark}">'
            f'<img src="data:image/png;base64,{light}" alt="{alt}" width="{width}" '
            'style="max-width: 100%; height: auto"></picture>'
        )
    found["text/html"] = f"<div>{image}<p>{html.escape(text)}</p></div>"
    return found
