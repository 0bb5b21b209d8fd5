"""Whether a workspace's ledger is as it was written: changed, removed, moved or inserted entries.

What cannot be found: a chain that somebody rewrote together with its head, on a computer or as a
user that never wrote to this ledger; and the removal of the ledger with everything beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from projects.ledgerfile import HEAD, NAME, Entry, Head, lines, parse, parse_loosely, read_heads
from projects.workspace import Workspace


@dataclass(frozen=True)
class Verification:
    """What was found, as sentences: `problems` are tampering or damage, `notes` are harmless."""

    entries: int  # that are as they were written
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        return not self.problems


def verify(workspace: Workspace) -> Verification:
    """Check every entry, the chain between them, and how far it should go.

    Raises:
        SwapdeckError: the ledger is there and cannot be read.
    """
    chain = _Chain()
    for number, line in lines(workspace):
        chain.add(number, line)
    ledger = chain.first.previous if chain.first is not None else ""
    beside, remembered = read_heads(workspace, ledger)
    if beside is not None and remembered is None:
        remembered = read_heads(workspace, beside.ledger)[1]
    chain.end(beside, remembered)
    return Verification(chain.good, tuple(chain.problems), tuple(chain.notes))


class _Chain:
    """Follows the entries one by one and collects what is wrong."""

    def __init__(self) -> None:
        self.good = 0
        self.problems: list[str] = []
        self.notes: list[str] = []
        self.first: Entry | None = None
        self._last: Entry | None = None  # of the entries that say where they belong
        self._hashes: dict[int, str] = {}
        self._torn = 0  # the number of a last line that has no end

    def add(self, number: int, line: bytes) -> None:
        entry = parse_loosely(line)
        if not line.endswith(b"\n") and (entry is None or parse(line + b"\n") is None):
            self._torn = number
            return
        if entry is None:
            self.problems.append(f"Line {number} of {NAME} is not an entry any more.")
            return
        if parse(line if line.endswith(b"\n") else line + b"\n") is None:
            self.problems.append(
                f"Line {number} (entry {entry.sequence}) was changed: it does not match its hash."
            )
        else:
            self.good += 1
        self._follow(number, entry)
        self.first = self.first or entry
        self._last = entry
        self._hashes[entry.sequence] = entry.sha256

    def _follow(self, number: int, entry: Entry) -> None:
        last = self._last
        expected = 1 if last is None else last.sequence + 1
        if entry.sequence > expected:
            missing = _numbers(expected, entry.sequence - 1)
            self.problems.append(f"Before line {number}, {missing} missing.")
        elif entry.sequence < expected:
            self.problems.append(
                f"Line {number} holds entry {entry.sequence}, where entry {expected} belongs: it "
                "was moved or inserted."
            )
        elif last is not None and entry.previous != last.sha256:
            self.problems.append(
                f"Line {number} (entry {entry.sequence}) does not follow the entry before it: one "
                "of them was exchanged or inserted."
            )

    def end(self, beside: Head | None, remembered: Head | None) -> None:
        """Compare the end of the chain with how far it is known to have come."""
        reached = max(self._hashes, default=0)
        if self._torn and (beside is None or beside.sequence <= reached):
            self.notes.append(
                f"Line {self._torn} was cut off in the middle of being written, by a crash or a "
                "full disk. Nothing that was done is missing; the next entry removes it."
            )
        elif self._torn:
            self.problems.append(f"Line {self._torn} of {NAME} was cut off after it was written.")
        if beside is None and reached > 1:
            self.problems.append(
                f"{HEAD}, which says how long the ledger is, is missing or damaged; entries may "
                "have been removed at the end."
            )
        for head, where in ((beside, HEAD), (remembered, "This computer's record of the ledger")):
            if head is not None:
                self._compare(head, where, reached)
        if beside is not None and reached > beside.sequence + 1:
            self.problems.append(
                f"{_numbers(beside.sequence + 1, reached).capitalize()} not known to {HEAD}: the "
                "ledger was added to by something else than swapdeck, or the head was put back."
            )
        elif reached == (beside.sequence if beside else 0) + 1:
            self.notes.append(
                f"Entry {reached} was written just before a crash; the next entry confirms it."
            )

    def _compare(self, head: Head, where: str, reached: int) -> None:
        if self.first is not None and head.ledger != self.first.previous:
            self.problems.append(f"{where} belongs to another ledger: the beginning was replaced.")
        elif head.sequence > reached:
            missing = _numbers(reached + 1, head.sequence)
            self.problems.append(
                f"The end was removed: {where} knows {head.sequence} entries, and {missing} "
                "missing."
            )
        elif head.sequence not in self._hashes:
            self.problems.append(f"{where} knows entry {head.sequence}, which is missing.")
        elif self._hashes[head.sequence] != head.sha256:
            self.problems.append(
                f"{where} knows another entry {head.sequence}: the ledger was rewritten."
            )


def _numbers(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
