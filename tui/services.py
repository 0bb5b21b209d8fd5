"""What the modes ask of the dashboard: work in a thread, jobs, the trash, taking things back.

Nothing here touches a widget from a thread: a thread posts a message, and its handler goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from textual import on, work
from textual.app import App
from textual.message import Message
from textual.reactive import reactive

from projects import jobs
from projects.errors import SwapdeckError
from projects.trash import restore
from projects.workspace import Workspace, list_trash, open_workspace
from tui.dialogs import Confirm
from tui.remembered import Place
from tui.text import clean

T = TypeVar("T")
MOST_UNDONE = 100
READ_ONLY = "This dashboard is read-only. Open it without --readonly to change anything."


@dataclass(frozen=True)
class Undoable:
    """Something done that can be taken back.

    `label` names it ("the removal of Ada"); `undo` takes it back, in a thread, and gives the
    sentence to be shown. It may raise a SwapdeckError.
    """

    label: str
    undo: Callable[[], str]


class Services(App[None]):
    """The dashboard as its modes know it. `doctor` is the command of the examination, () for the
    program's own."""

    class Done(Message):
        """A piece of work in a thread has ended; `then` gets what it gave."""

        def __init__(self, then: Callable[[], None]) -> None:
            super().__init__()
            self.then = then

    class Failed(Message):
        """A piece of work could not be done, for the reason in the sentence."""

        def __init__(self, problem: str, then: Callable[[], None] | None = None) -> None:
            super().__init__()
            self.problem = problem
            self.then = then

    doctor: tuple[str, ...] = ()
    pictures: reactive[bool] = reactive(True)

    def __init__(self, root: Path, *, readonly: bool = False, low_bandwidth: bool = False) -> None:
        super().__init__()
        self.root = root
        self.low_bandwidth = low_bandwidth
        self.set_reactive(Services.pictures, not low_bandwidth)
        self.readonly = readonly
        self.undoables: list[Undoable] = []
        self.places: dict[str, Place] = {}

    def refresh_now(self) -> None:
        """Read the files again."""
        raise NotImplementedError

    # Work.

    def do(
        self,
        task: Callable[[], T],
        then: Callable[[T], None] | None = None,
        *,
        otherwise: Callable[[], None] | None = None,
    ) -> None:
        """Run `task` in a thread, then `then` with its result here, and read the files again.

        A SwapdeckError or an OSError of the task is shown as a sentence, and `otherwise` called.
        """
        if self.readonly:
            self.complain(READ_ONLY)
        else:
            self._do(task, then, otherwise)

    @work(thread=True, group="doing")
    def _do(
        self,
        task: Callable[[], Any],
        then: Callable[[Any], None] | None,
        otherwise: Callable[[], None] | None,
    ) -> None:
        try:
            result = task()
        except SwapdeckError as error:
            self.post_message(self.Failed(clean(error), otherwise))
        except OSError as error:
            what = f"{clean(error.filename or 'A file')}: {error.strerror}. Nothing was changed."
            self.post_message(self.Failed(what, otherwise))
        else:
            self.post_message(self.Done(partial(then, result) if then is not None else _nothing))

    @on(Done)
    def _done(self, message: Done) -> None:
        message.then()
        self.refresh_now()

    @on(Failed)
    def _failed(self, message: Failed) -> None:
        self.complain(message.problem)
        if message.then is not None:
            message.then()
        self.refresh_now()

    def say(self, words: str) -> None:
        """Tell something in a line that goes away by itself."""
        self.notify(words, markup=False, timeout=4)

    def complain(self, words: str) -> None:
        """Tell what went wrong, and what to do."""
        self.notify(words, markup=False, severity="error", timeout=8)

    # Jobs.

    def start_job(
        self,
        verb: str,
        subject: str,
        arguments: Mapping[str, Any],
        then: Callable[[str], None] | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        """Start a job that outlives the dashboard; `then` gets its id. The workspace is made when
        there is none yet. `quiet` says nothing: what it does is shown where it was asked for."""

        def start() -> str:
            workspace = open_workspace(self.root, create=True)
            job = jobs.create_job(workspace, verb, subject, arguments)
            jobs.launch(job)
            return job.id

        def started(identity: str) -> None:
            if not quiet:
                self.say(f"Started: {verb} {subject}. It goes on when this window closes.")
            if then is not None:
                then(identity)

        self.do(start, started)

    def action_demo(self) -> None:
        """Start the demo, and show it."""

        def show(identity: str) -> None:
            self.call_later(self.run_action, f"show('jobs', {identity!r})")

        arguments = {"minutes": None, "fresh": False, "reference": False}
        self.start_job("demo", "synthetic people", arguments, show)

    # The trash, and taking back.

    def trash(
        self,
        question: str,
        consequence: str,
        remove: Callable[[Workspace], Path],
        what: str,
        then: Callable[[], None] | None = None,
    ) -> None:
        """Ask, then move something to the trash, from where `z` restores it.

        `consequence` says what will be gone. `remove` runs in a thread and gives the path in the
        trash, as `move_to_trash` does; `what` names the thing.
        """

        def removed(trashed: Path) -> None:
            self.push_undo(f"the removal of {what}", partial(self._restore, trashed, what))
            self.say(f"{what} is in the trash. Press {self.keys_of('undo')} to get it back.")
            if then is not None:
                then()

        def answered(yes: bool | None) -> None:
            if yes:
                self.do(lambda: remove(open_workspace(self.root)), removed)

        self.push_screen(Confirm(question, consequence, "To the trash"), answered)

    def _restore(self, trashed: Path, what: str) -> str:
        restore(open_workspace(self.root), trashed)
        return f"{what} is back."

    def push_undo(self, label: str, undo: Callable[[], str]) -> None:
        """Remember how something that was just done is taken back; see `Undoable`."""
        self.undoables = [*self.undoables, Undoable(label, undo)][-MOST_UNDONE:]
        self.refresh_bindings()

    def action_undo(self) -> None:
        """Take back the last thing that was done here; else offer the newest of the trash."""
        if not self.undoables:
            self._offer_trash()
            return
        last = self.undoables.pop()
        self.do(last.undo, self.say, otherwise=lambda: self.undoables.append(last))

    def _offer_trash(self) -> None:
        def offer(found: list[Path]) -> None:
            if not found:
                self.say("There is nothing to take back, and the trash is empty.")
                return
            what = clean(found[0].name)
            more = f" {len(found) - 1} more are in the trash." if len(found) > 1 else ""

            def answered(yes: bool | None) -> None:
                if yes:
                    self.do(partial(self._restore, found[0], what), self.say)

            self.push_screen(
                Confirm(
                    f"Restore {what} from the trash?",
                    "Nothing was done in this dashboard that could be taken back; this was "
                    f"removed last.{more}",
                    "Restore",
                    destructive=False,
                ),
                answered,
            )

        self.do(lambda: list_trash(open_workspace(self.root)), offer)

    def keys_of(self, action: str) -> str:
        """The key that an action is on, as it is written on a keyboard."""
        raise NotImplementedError


def _nothing() -> None:
    """What follows work whose end interests nobody."""
