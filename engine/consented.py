"""Work with people's faces: only while their consent holds, and written into the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from engine.reporting import Reporter
from projects import ledger
from projects.bases import Base
from projects.checkpoints import steps
from projects.consent import FILE, require
from projects.errors import RefusedError, StopRequested, SwapdeckError
from projects.jobs import Requests
from projects.people import Person
from projects.swaps import Swap, get_swap, people_of
from projects.workspace import Workspace


class ConsentEndedError(RefusedError, StopRequested):
    """Somebody's consent ended while their face was worked with; what was done is saved."""


class Consented:
    """A reporter that asks the work to stop as soon as a consent does not hold any more.

    The records are looked at whenever `check` is called and read anew when they have changed, or
    when one of them expires.
    """

    def __init__(self, people: list[Person], use: str, reporter: Reporter) -> None:
        """Raises RefusedError when a consent does not hold now."""
        self._people = people
        self._use = use
        self._reporter = reporter
        self._require()

    def event(self, kind: str, **fields: Any) -> None:
        self._reporter.event(kind, **fields)

    def check(self) -> Requests:
        """As the reporter's; raises ConsentEndedError besides."""
        asked = self._reporter.check()
        if self._look() != self._seen or (self._ends and datetime.now(UTC) > self._ends):
            try:
                self._require()
            except RefusedError as error:
                raise ConsentEndedError(f"{error} What was finished before is kept.") from error
        return asked

    def results(self) -> list[dict[str, Any]]:
        return self._reporter.results()

    def _require(self) -> None:
        self._seen = self._look()
        ends = [require(person, self._use).ends() for person in self._people]
        self._ends = min((end for end in ends if end is not None), default=None)

    def _look(self) -> list[tuple[int, int, int]]:
        return [_stamp(person) for person in self._people]


def consented(workspace: Workspace, swap: Swap, use: str, reporter: Reporter) -> Reporter:
    """`reporter` for work with the faces of all people of a swap.

    Raises RefusedError unless all have a consent now that covers `use`, and lets the work's next
    `check` raise ConsentEndedError when that is so no more.
    """
    return Consented(people_of(workspace, swap), use, reporter)


def all_consented(people: Sequence[Person], use: str, reporter: Reporter) -> Reporter:
    """As `consented`, for any number of people."""
    return Consented(list(people), use, reporter)


@contextmanager
def training_in_ledger(workspace: Workspace, model: Swap | Base, **asked: Any) -> Iterator[None]:
    """Write the start of a training into the ledger, and how it ended, whatever happens in between.

    asked: what the command said, such as steps and minutes. A training that was killed has no end.
    """
    kind = "swap" if isinstance(model, Swap) else "base"
    of = {kind: model.slug, "people": list(model.people)}
    ledger.append(
        workspace,
        "training",
        act="started",
        **of,
        preset=model.preset,
        seed=model.seed,
        step=_step(model),
        **{name: value for name, value in asked.items() if value is not None},
    )

    def end(how: str, **more: Any) -> None:
        datasets = _datasets(workspace, model)
        ledger.append(
            workspace, "training", act="ended", how=how, **of, step=_step(model), **more, **datasets
        )

    try:
        yield
    except BaseException as error:
        how = "failed"
        if isinstance(error, RefusedError):
            how = "refused"
        elif isinstance(error, StopRequested):
            how = "stopped"
        with suppress(SwapdeckError):  # what went wrong first is what has to be told
            end(
                how, reason=str(error) if isinstance(error, SwapdeckError) else type(error).__name__
            )
        raise
    end("done")


def _step(model: Swap | Base) -> int:
    return max(steps(model.checkpoints_dir), default=0)


def _datasets(workspace: Workspace, model: Swap | Base) -> dict[str, dict[str, str]]:
    """Fingerprints of the datasets, which a training writes into its swap once it has read them."""
    if not isinstance(model, Swap):
        return {}
    return {"datasets": get_swap(workspace, model.slug).fingerprints}


def _stamp(person: Person) -> tuple[int, int, int]:
    try:
        found = (person.root / FILE).stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_ino, found.st_size
