"""Marking one result: the watermark for its pictures, the credentials for its file, the ledger."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.credentials.identity import Signing, signing
from engine.credentials.layers import write_note
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
    people: tuple[Person, ...]
    """Source and target, and everybody else who was cast."""
    signing: Signing
    identifier: str
    names: bool
    """Name people in the credentials; otherwise only whoever has the key knows who they are."""

    @property
    def watermark(self) -> Watermark:
        """A mark for the pictures."""
        return Watermark(self.identifier)

    def finisher(self, output: Path) -> Callable[[Path, Path, Path], None]:
        """What finishes the files of a result that will be `output`, a file or a folder of them.

        It takes a complete file, the name that it will have, and the footage it was made from. The
        ledger knows of a result before it has its name, so that a kill between the two leaves an
        entry without a result, and never a result without an entry.
        """
        recorded = False

        def finish(file: Path, name: Path, source: Path) -> None:
            nonlocal recorded
            sign(file, name, source, self._statement(), self.signing)
            if not recorded:
                self._record(output, sha256_file(file) if name == output else None)
                recorded = True

        return finish

    def layers_finisher(self, output: Path) -> Callable[[Path, Path, Path], None]:
        """As `finisher`, of a folder of layers that will be `output`: it takes any file of the
        complete folder, and leaves the note that what is composed of them must be marked."""

        def finish(file: Path, name: Path, source: Path) -> None:
            layers = [path for path in file.parent.rglob("*") if path.is_file()]
            write_note(file.parent, layers, source, self._statement(), self.signing)
            self._record(output, None)

        return finish

    def sign(self, file: Path, name: Path, source: Path) -> None:
        """Put credentials into a complete file that stays in the workspace, such as a preview; the
        ledger has only results."""
        sign(file, name, source, self._statement(), self.signing)

    def _record(self, output: Path, sha256: str | None) -> None:
        ledger.append(
            self.workspace,
            "output",
            file=str(output.absolute()),
            sha256=sha256,
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
        return Statement(swap, self.step, self.identifier, people, self.names)


def new_marking(
    workspace: Workspace, swap: Swap, step: int, people: tuple[Person, ...], *, names: bool
) -> Marking:
    """A marking with a new identifier. Raises RefusedError when results cannot be signed."""
    return Marking(workspace, swap, step, people, signing(workspace), secrets.token_hex(4), names)
