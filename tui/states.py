"""How a job's state is shown: always a glyph, a word and a colour together."""

from __future__ import annotations

from textual.content import Content

LIVE = frozenset({"waiting", "running", "paused", "stopping", "orphaned"})
_ASKED_IN = {
    "pause": {"waiting", "running"},
    "resume": {"paused"},
    "stop": {"waiting", "running", "paused", "orphaned"},
    "save": {"running"},
    "preview": {"running"},
}

KILLABLE = frozenset({"running", "paused", "stopping", "orphaned"})
RETRIED = frozenset({"failed", "stopped", "crashed"})
ENDED = RETRIED | {"done"}

_LOOKS = {
    "waiting": ("○", "$quiet"),
    "running": ("●", "$primary"),
    "paused": ("‖", "$warning"),
    "stopping": ("◐", "$warning"),
    "done": ("✓", "$success"),
    "stopped": ("■", "$quiet"),
    "failed": ("✗", "$error"),
    "crashed": ("✗", "$error"),
    "orphaned": ("!", "$warning"),
}


def can_be_asked(state: str, verb: str, what: str) -> bool:
    """Whether a job in this state would answer; only trainings save and draw previews."""
    return state in _ASKED_IN[what] and (verb == "train" or what not in ("save", "preview"))


def badge(state: str) -> Content:
    """The state as glyph + word in its colour."""
    glyph, colour = _LOOKS.get(state, ("?", "$warning"))
    return Content.styled(f"{glyph} {state}", colour)


def warning(text: str) -> Content:
    """A line that tells of something wrong."""
    return Content.styled(f"! {text}", "$warning")
