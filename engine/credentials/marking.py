"""Marking one result: the watermark for its pictures, the credentials for its file, the ledger."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from engine.credentials.identity import Signing, signing
from engine.credentials.manifest import Statement, sign
from engine.credentials.watermark import Watermark
from projects import ledger
from projects.files import sha256_file
from projects.people import Person
from projects.swaps import Swap
from projects.workspace import Workspace


@dataclass(frozen=True)
class Marking:
    """How the results of one conversion are marked; every result has an identifier of its own."""

    workspace: Workspace
    swap: Swap
    step: int
    people: tuple[Person, Person]
    """Source and target."""
    signing: Signing
    identifier: str
    names: bool
    """Name people in the credentials; otherwise only whoever has the key knows who they are."""

    @property
    def watermark(self) -> Watermark:
        """A mark for the pictures."""
        return Watermark(self.identifier)

    def finish(self, file: Path, name: Path, source: Path) -> None:
        """Sign a complete `file` that will be called `name`. Raises SwapdeckError."""
        sign(file, name, source, self._statement(), self.signing)

    def record(self, output: Path) -> None:
        """Write the finished result into the ledger."""
        ledger.append(
            self.workspace,
            "output",
            file=str(output.absolute()),
            sha256=sha256_file(output) if output.is_file() else None,
            watermark=self.identifier,
            swap=self.swap.slug,
            people=[person.slug for person in self.people],
            signer=self.signing.fingerprint,
        )

    def _statement(self) -> Statement:
        people = tuple(
            (person.name if self.names else self.signing.alias(person.slug), person.basis)
            for person in self.people
        )
        swap = self.swap.name if self.names else self.signing.alias(self.swap.slug)
        return Statement(swap, self.step, self.identifier, people)


def new_marking(
    workspace: Workspace, swap: Swap, step: int, people: tuple[Person, Person], *, names: bool
) -> Marking:
    """A marking with a new identifier. Raises RefusedError when results cannot be signed."""
    return Marking(workspace, swap, step, people, signing(workspace), secrets.token_hex(4), names)
