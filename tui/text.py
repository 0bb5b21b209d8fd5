"""Words and figures as the dashboard shows them: safe, short, and the same everywhere."""

from __future__ import annotations

from projects.names import printable


def clean(text: object, limit: int = 400) -> str:
    """One line of text that cannot move the cursor, change colours or reorder its neighbours."""
    return printable(str(text)[: limit * 4])[:limit]


def clean_path(path: object, home: str) -> str:
    """A path for reading, with the home folder written as ~."""
    text = clean(path)
    if home and (text == home or text.startswith(home.rstrip("/") + "/")):
        return "~" + text[len(home.rstrip("/")) :]
    return text


def count(number: int) -> str:
    """1234567 -> 1,234,567."""
    return f"{number:,}"


def plural(number: int, one: str, many: str = "") -> str:
    """2, "face" -> 2 faces."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: float) -> str:
    """Bytes, in steps of 1000."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.0f} {unit}" if number >= 10 or unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration(seconds: float) -> str:
    """Seconds, in the one or two units that matter."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"


def age(seconds: float) -> str:
    """How long ago, in one unit, for a narrow column."""
    if seconds < 5:
        return "now"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} d"


def ago(seconds: float) -> str:
    """How long ago, in words."""
    return "just now" if seconds < 5 else f"{age(seconds)} ago"


def figure(number: float) -> str:
    """A loss or a rate: about four significant digits, never an exponent in sight if avoidable."""
    if number == 0:
        return "0"
    magnitude = abs(number)
    if magnitude >= 1000:
        return f"{number:,.0f}"
    if magnitude >= 100:
        return f"{number:.0f}"
    if magnitude >= 10:
        return f"{number:.1f}"
    if magnitude >= 1:
        return f"{number:.2f}"
    if magnitude >= 0.001:
        return f"{number:.4f}"
    return f"{number:.1e}"


def bar(fraction: float, width: int) -> tuple[str, str]:
    """The done and the left part of a progress bar, `width` cells together."""
    halves = round(min(1.0, max(0.0, fraction)) * width * 2)
    full, half = divmod(halves, 2)
    done = "━" * full + ("╸" if half else "")
    return done, "━" * (width - full - half)
