"""Names that come from people and the network, made safe to show and to use as folder names."""

from __future__ import annotations

import hashlib
import unicodedata

from projects.errors import CommandError

NAME_LIMIT = 80  # characters in a display name
_SLUG_BYTES = 96  # leaves room below the 255 bytes of a file name for a date, a verb and a suffix
_JOINERS = "\u200c\u200d"  # invisible, but needed to spell names in several scripts
_DEVICES = {"con", "prn", "aux", "nul"} | {f"{p}{n}" for p in ("com", "lpt") for n in range(10)}


def printable(text: str) -> str:
    """`text` on one line, without control, direction-changing or unassigned characters."""
    kept = "".join(" " if c.isspace() else c for c in text if c.isspace() or _is_visible(c))
    return " ".join(kept.split())


def clean_name(name: str, what: str = "name") -> str:
    """A display name for a person or a swap, with outer white space removed.

    Raises:
        CommandError: it is empty, too long, or holds characters that a name cannot have.
    """
    stripped = unicodedata.normalize("NFC", name).strip()
    shown = printable(stripped)
    if not stripped:
        raise CommandError(f"The {what} is empty. Give it at least one letter or digit.")
    if len(stripped) > NAME_LIMIT:
        raise CommandError(
            f"The {what} '{shown[:30]}…' has {len(stripped)} characters. "
            f"Choose one with {NAME_LIMIT} at most."
        )
    if any(not _is_visible(c) for c in stripped) or any(c in "/\\" for c in stripped):
        raise CommandError(
            f"The {what} '{shown}' holds a slash or characters that cannot be shown. "
            "Use letters, digits, spaces and ordinary punctuation."
        )
    return stripped


def slug(name: str) -> str:
    """A folder name for `name`: lower case letters and digits of any script, joined by dashes.

    The slug of a slug is itself. Names that differ only in case, spaces or punctuation share one.

    Raises:
        CommandError: nothing is left, it looks like an option, or a system reserves it.
    """
    if name.startswith("-"):
        raise CommandError(
            f"The name '{printable(name)[:NAME_LIMIT]}' looks like an option. "
            "Start it with a letter or a digit."
        )
    folded = unicodedata.normalize("NFKC", name)
    for _ in range(2):  # folding can leave what normalising changes again
        folded = unicodedata.normalize("NFKC", folded.casefold())
    pieces = "".join(c if _is_letter(c) else "" if c in _JOINERS else "-" for c in folded).split(
        "-"
    )
    # A piece that starts with a combining mark would join the dash before it.
    result = "-".join(p for p in (_without_leading_marks(piece) for piece in pieces) if p)
    if not result:
        raise CommandError(
            f"The name '{printable(name)[:NAME_LIMIT]}' has no letter or digit to make a folder "
            "name from. Choose another."
        )
    if result in _DEVICES:
        raise CommandError(
            f"The name '{printable(name)}' is reserved by Windows and would make the workspace "
            "unreadable there. Choose another."
        )
    encoded = result.encode()
    if len(encoded) > _SLUG_BYTES:
        digest = hashlib.sha256(encoded).hexdigest()[:8]
        head = encoded[: _SLUG_BYTES - 9].decode(errors="ignore").rstrip("-")
        result = f"{head}-{digest}"
    return result


def _is_visible(c: str) -> bool:
    return unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or (
        c in _JOINERS
    )


def _is_letter(c: str) -> bool:
    return unicodedata.category(c)[0] in "LNM"


def _without_leading_marks(piece: str) -> str:
    start = 0
    while start < len(piece) and unicodedata.category(piece[start])[0] == "M":
        start += 1
    return piece[start:]
