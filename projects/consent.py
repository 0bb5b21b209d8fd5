"""The consent record: on what ground a person's face may be used, and who says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from typing import Any

from projects.errors import CommandError
from projects.names import printable

BASES = {
    "self": "the person is the one who records it",
    "release": "a signed release",
    "licensed": "licensed footage that allows it",
    "synthetic": "nobody: the person is rendered",
    "other": "something else, which the explanation tells",
}


@dataclass(frozen=True)
class Consent:
    """One consent record. Dates are ISO 8601; a date without a time zone is UTC."""

    basis: str  # a key of BASES
    scope: str  # what the face may be used for, in words
    recorded_by: str
    recorded_at: str
    expires: str | None = None  # the last day, or the moment, on which it holds
    explanation: str | None = None  # required for the basis "other"
    document: str | None = None  # SHA-256 of the release or licence, lower-case hex
    withdrawn_at: str | None = None

    def validate(self) -> None:
        """Raise CommandError, with what to do, unless the record is complete and consistent."""
        for field in fields(self):
            value = getattr(self, field.name)
            optional = field.name in _OPTIONAL
            if not (isinstance(value, str) or (optional and value is None)):
                raise CommandError(f"The consent's '{field.name}' must be text.")
            if value is not None and value != printable(value):
                raise CommandError(
                    f"The consent's '{field.name}' holds characters that cannot be shown, or "
                    "white space at its ends. Write it as one line of ordinary text."
                )
        if self.basis not in BASES:
            known = ", ".join(BASES)
            raise CommandError(f"'{self.basis}' is not a basis of consent. Use one of: {known}.")
        if not self.scope:
            raise CommandError("The consent has no scope. Say what the face may be used for.")
        if not self.recorded_by:
            raise CommandError("The consent does not say who recorded it. Give a name.")
        if self.basis == "other" and not self.explanation:
            raise CommandError("The basis 'other' needs an explanation. Say what it is.")
        if self.document is not None and not re.fullmatch(r"[0-9a-f]{64}", self.document):
            raise CommandError(
                "The consent's document must be given as its SHA-256: 64 lower-case hex digits."
            )
        recorded = _moment("recorded_at", self.recorded_at)
        if self.expires is not None and _moment("expires", self.expires, end=True) < recorded:
            raise CommandError("The consent expires before it was recorded. Correct the dates.")
        if self.withdrawn_at is not None:
            _moment("withdrawn_at", self.withdrawn_at)

    def problem(self, at: datetime | None = None) -> str:
        """Why the consent does not hold at `at` (default: now), as a sentence; "" when it does."""
        at = at or datetime.now(UTC)
        if self.withdrawn_at is not None and _moment("withdrawn_at", self.withdrawn_at) <= at:
            return f"The consent was withdrawn on {self.withdrawn_at}."
        if self.expires is not None and _moment("expires", self.expires, end=True) < at:
            return f"The consent expired on {self.expires}."
        return ""


_OPTIONAL = {"expires", "explanation", "document", "withdrawn_at"}


def from_table(table: Mapping[str, Any]) -> Consent:
    """The record in a TOML table; dates may be TOML dates. Unknown keys are left alone.

    Raises:
        CommandError: as `Consent.validate`, also for a missing field.
    """
    values: dict[str, Any] = {}
    for field in fields(Consent):
        value = table.get(field.name)
        if value is None and field.name not in _OPTIONAL:
            raise CommandError(f"The consent's '{field.name}' is missing.")
        values[field.name] = value.isoformat() if isinstance(value, date) else value
    consent = Consent(**values)
    consent.validate()
    return consent


def to_table(consent: Consent) -> dict[str, str | None]:
    return asdict(consent)


def _moment(name: str, text: str, *, end: bool = False) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"The consent's '{name}' is '{text}', which is not a date. Write it as 2026-11-23."
        ) from error
    if end and len(text) <= len("2026-11-23"):
        moment = moment.replace(hour=23, minute=59, second=59)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
