"""The consent record: on what ground a person's face may be used, for what, and who says so."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from projects.errors import CommandError, DamagedError, RefusedError, SwapdeckError
from projects.names import printable
from projects.texts import versioned_toml

FILE = "person.toml"
VERSION = 1

BASES = {
    "self": "the person is the one who records it",
    "release": "a signed release",
    "licensed": "licensed footage that allows it",
    "synthetic": "nobody: the person is rendered",
    "other": "something else, which the explanation tells",
}

USES = {
    "training": "train a model on the face",
    "conversion": "put the face on footage, or replace it there",
    "export": "give a trained model of the face to others",
}

FORBIDDEN = (
    "Never use swapdeck with faces of people under age, for sexual content, or for anybody who "
    "has not agreed: these uses are forbidden, whatever a consent record says."
)

State = Literal["valid", "expired", "withdrawn", "missing", "damaged"]
_OWN = ("self", "synthetic")  # bases on which nobody else has to be asked


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
    uses: tuple[str, ...] | None = None  # keys of USES; None in records of older versions

    @property
    def covers(self) -> tuple[str, ...]:
        """The uses that it covers. A record from before uses were written down covers what there
        was then, which is everything but giving the model to others."""
        return default_uses(self.basis) if self.uses is None else self.uses

    def validate(self) -> None:
        """Raise CommandError, with what to do, unless the record is complete and consistent."""
        for field in fields(self):
            if field.name != "uses":
                _check_text(field.name, getattr(self, field.name))
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
        if self.uses is not None and (not self.uses or set(self.uses) - USES.keys()):
            raise CommandError(
                f"The consent's 'uses' must be one or more of: {', '.join(USES)}. To end a "
                "consent, withdraw it."
            )
        recorded = _moment("recorded_at", self.recorded_at)
        if self.expires is not None and _moment("expires", self.expires, end=True) < recorded:
            raise CommandError("The consent expires before it was recorded. Correct the dates.")
        if self.withdrawn_at is not None:
            _moment("withdrawn_at", self.withdrawn_at)

    def state(self, at: datetime | None = None) -> State:
        """Whether it holds at `at` (default: now). A withdrawal holds whatever the clock says."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        ends = self.ends()
        return "expired" if ends is not None and ends < (at or datetime.now(UTC)) else "valid"

    def problem(self, at: datetime | None = None) -> str:
        """Why the consent does not hold at `at` (default: now), as a sentence; "" when it does."""
        match self.state(at):
            case "withdrawn":
                return f"The consent was withdrawn on {self.withdrawn_at}."
            case "expired":
                return f"The consent expired on {self.expires}."
        return ""

    def ends(self) -> datetime | None:
        """The last moment on which it holds, withdrawal aside; None when it has no end."""
        return None if self.expires is None else _moment("expires", self.expires, end=True)


class HasConsent(Protocol):
    """A person, whose record is read anew from their folder."""

    @property
    def root(self) -> Path: ...
    @property
    def slug(self) -> str: ...
    @property
    def name(self) -> str: ...


def default_uses(basis: str) -> tuple[str, ...]:
    """What a consent covers that does not say: with another person's face, it stays in house."""
    return tuple(USES) if basis in _OWN else ("training", "conversion")


def require(person: HasConsent, use: str) -> Consent:
    """The person's consent as it is on the disk now, when it holds and covers `use`.

    Raises:
        RefusedError: it is missing, damaged, expired, withdrawn or for other uses; the sentence
            says how to record or renew it.
    """
    if use not in USES:
        raise ValueError(f"{use!r} is not a use that consent is given for")
    record = f"swapdeck person consent {person.slug}"
    unusable = (
        f"The consent record of {person.name} cannot be read, so their face may not be used for "
        f"{use}."
    )
    path = person.root / FILE
    try:
        document = versioned_toml(path, VERSION)
    except SwapdeckError as error:
        raise RefusedError(f"{unusable} {error}") from error
    try:
        consent = in_document(path, document)
    except DamagedError as error:
        anew = f'Or record it anew with: {record} --basis BASIS --scope "WHAT FOR"'
        raise RefusedError(f"{unusable} {error} {anew}") from error
    if consent is None:
        raise RefusedError(
            f"There is no consent record for {person.name}, so their face may not be used for "
            f'{use}. Record it with: {record} --basis BASIS --scope "WHAT FOR"'
        )
    match consent.state():
        case "withdrawn":
            raise RefusedError(
                f"{person.name} withdrew their consent on {consent.withdrawn_at}, so their face "
                f"may not be used for {use}. What was made from it is listed by: {record}. If they "
                f'agreed again, record that with: {record} --basis BASIS --scope "WHAT FOR"'
            )
        case "expired":
            raise RefusedError(
                f"The consent of {person.name} expired on {consent.expires}, so their face may not "
                f"be used for {use}. If it was renewed, record that with: {record} --expires "
                "YYYY-MM-DD"
            )
    if use not in consent.covers:
        wanted = " ".join(f"--use {one}" for one in (*consent.covers, use))
        raise RefusedError(
            f"The consent of {person.name} is for {' and '.join(consent.covers)}, not for {use}. "
            f"If they agreed to it, record that with: {record} {wanted}"
        )
    return consent


def read_consent(root: Path) -> Consent | None:
    """The record in a person's folder; None when there is none.

    Raises:
        DamagedError, NewerVersionError, SwapdeckError: it cannot be read; the sentence names the
            file.
    """
    path = root / FILE
    return in_document(path, versioned_toml(path, VERSION))


def in_document(path: Path, document: Mapping[str, Any]) -> Consent | None:
    """The record in a person's document, which was read from `path`; raises DamagedError."""
    table = document.get("consent")
    if table is None:
        return None
    try:
        if not isinstance(table, Mapping):
            raise CommandError("'consent' must be a table.")
        return from_table(table)
    except CommandError as error:
        raise DamagedError(f"{path} needs correcting in an editor. {error}") from error


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
    values["uses"] = _uses(values["uses"])
    consent = Consent(**values)
    consent.validate()
    return consent


def to_table(consent: Consent) -> dict[str, Any]:
    return {**asdict(consent), "uses": None if consent.uses is None else list(consent.uses)}


_OPTIONAL = {"expires", "explanation", "document", "withdrawn_at", "uses"}


def _uses(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise CommandError('The consent\'s \'uses\' must be a list, as ["training", "conversion"].')
    return tuple(one for one in USES if one in value) + tuple(v for v in value if v not in USES)


def _check_text(name: str, value: object) -> None:
    if not (isinstance(value, str) or (name in _OPTIONAL and value is None)):
        raise CommandError(f"The consent's '{name}' must be text.")
    if value is not None and value != printable(str(value)):
        raise CommandError(
            f"The consent's '{name}' holds characters that cannot be shown, or white space at its "
            "ends. Write it as one line of ordinary text."
        )


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
