"""The parts that every detail pane is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from tui.actions import bindings
from tui.progress import Progress
from tui.text import bar, duration, figure


class Pane(VerticalScroll):
    """Details beside a list, or in place of it. The keys of a list scroll it."""

    BINDINGS = bindings("down", "up", "page-down", "page-up", "top", "bottom")
    DEFAULT_CSS = """
    Pane { padding: 0 2; scrollbar-size-vertical: 1; }
    Pane Static { height: auto; }
    Pane .title { color: $quiet; margin-top: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    Pane .hidden { display: none; }
    """

    shown_key = ""
    _fill: Callable[[], None] | None = None
    _filled_at = Size(0, 0)

    def draw(self, fill: Callable[[], None]) -> None:
        """Fill the pane, and once more whenever its size turns out to be another one."""
        self._fill = fill
        self._refill()
        self.call_after_refresh(self._refill_if_resized)

    def on_resize(self) -> None:
        self._refill_if_resized()

    def _refill_if_resized(self) -> None:
        # Textual leaves the resize event out when the layout was asked for before it was drawn.
        if self.size != self._filled_at:
            self._refill()

    def _refill(self) -> None:
        self._filled_at = self.size
        if self._fill is not None:
            self._fill()

    def action_cursor(self, step: int) -> None:
        self.scroll_relative(y=step, animate=False)

    def action_page(self, pages: int) -> None:
        self.scroll_relative(y=pages * max(1, self.size.height - 2), animate=False)

    def action_edge(self, end: int) -> None:
        self.scroll_to(y=0 if end < 0 else self.max_scroll_y, animate=False)

    def fill(self, selector: str, content: Content | None) -> None:
        """Put text into the part named, or hide it when there is none."""
        part = self.query_one(selector, Static)
        part.set_class(content is None, "hidden")
        if content is not None and content != part.content:
            part.update(content)


def lines(parts: Iterable[Content | str]) -> Content:
    """Lines of text under each other."""
    return Content("\n").join(
        [part if isinstance(part, Content) else Content(part) for part in parts]
    )


def facts(pairs: Iterable[tuple[str, Content | str]], least: int = 0) -> Content:
    """Names, `least` cells wide or more, and values; pairs without a value are left out."""
    shown = [(name, value) for name, value in pairs if str(value)]
    width = max((len(name) for name, _ in shown), default=0)
    width = max(width, least) + 2
    return lines(Content.assemble((name.ljust(width), "$quiet"), value) for name, value in shown)


def loss_lines(progress: Progress, width: int) -> Content:
    """The latest loss and its parts, as many on a line as `width` cells hold."""
    if progress.loss is None:
        return Content("")
    parts = [Content.assemble(("loss ", "$quiet"), (figure(progress.loss), "bold $primary"))]
    parts += [
        Content.assemble((f"{name} ", "$quiet"), figure(value)) for name, value in progress.losses
    ]
    rows = [parts[:1]]
    for part in parts[1:]:
        if sum(len(done) + 3 for done in rows[-1]) + len(part) > width:
            rows.append([])
        rows[-1].append(part)
    return lines(Content("   ").join(row) for row in rows)


def progress_bar(progress: Progress, width: int) -> Content | None:
    """A bar with its percentage, `width` cells together; None when nobody knows how far it is."""
    fraction = progress.fraction
    if fraction is None:
        return None
    done, left = bar(fraction, max(4, width - 6))
    return Content.assemble((done, "$primary"), (left, "$rule"), f" {int(fraction * 100):3d}%")


def progress_words(progress: Progress, live: bool = True) -> Content:
    """Where the job is, in words: step or count and, while it lives, rate and time left."""
    parts: list[str] = []
    if progress.training:
        of = f" of {progress.total:,.0f}" if progress.total else ""
        parts.append(f"step {progress.step:,}{of}")
        if progress.rate and live:
            parts.append(f"{figure(progress.rate)} steps/s")
    elif progress.done is not None:
        of = f" of {progress.total:,.0f}" if progress.total else ""
        parts.append(f"{progress.stage} {progress.done:,.0f}{of} {progress.unit}".strip())
        if progress.rate and live:
            parts.append(f"{figure(progress.rate)} {progress.unit or 'a'}/s")
    elif progress.stage:
        parts.append(progress.stage)
    if progress.eta is not None and live:
        parts.append(f"{duration(progress.eta)} left")
    if progress.words:
        parts.append(progress.words)
    return Content("  ·  ".join(parts))
