"""What can be done with a swap, from the list of swaps and from the screens behind it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from projects.casts import check_casts
from projects.options import Value
from projects.presets import PRESETS
from projects.swaps import Swap, get_swap, new_swap, remove_swap, require_consent, update_swap
from projects.traces import require_idle
from projects.training_options import train_arguments
from projects.workspace import Workspace, open_workspace
from tui.actions import JOBS, SWAPS, bindings, ids
from tui.mode import JobScreen
from tui.snapshot import JobRow, Snapshot, SwapRow
from tui.states import LIVE
from tui.swap_forms import (
    START,
    also_of,
    new_swap_form,
    settings_after,
    settings_form,
    train_form,
)
from tui.swap_start import start_swap
from tui.text import clean


class SwapActions(JobScreen):
    """The actions on the swap that a screen is about."""

    GROUPS: ClassVar[Sequence[str]] = (SWAPS, JOBS)
    BINDINGS = bindings(*ids(SWAPS))

    def swap_row(self) -> SwapRow | None:
        """The swap that is selected or shown, None when there is none."""
        return None if self.snapshot is None else find_swap(self.snapshot, self.swap_slug)

    @property
    def swap_slug(self) -> str:
        """Whose screen this is, or which is selected."""
        return self.key

    def job(self) -> JobRow | None:
        return None if self.snapshot is None else live_job(self.snapshot, self.swap_slug)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """False hides an action that would do nothing here."""
        if not super().check_action(action, parameters):
            return False
        if not self.is_mounted or action not in _ON_A_SWAP:
            return True
        row = self.swap_row()
        if row is None:
            return False
        if action == "train":
            job = self.job()
            return not row.problem and (job is None or job.verb != "train")
        return action == "trash_swap" or not row.problem

    # Made, changed, removed.

    def action_new_swap(self) -> None:
        """Ask for two people and a preset, and make the swap."""
        people = self.snapshot.people if self.snapshot is not None else ()
        readable = [row for row in people if not row.problem]
        if len(readable) < 2:
            self.dashboard.complain(
                "A swap needs two people. Add them in People (1), with their faces."
            )
            return

        swaps = self.snapshot.swaps if self.snapshot is not None else ()
        trained = [row.slug for row in swaps if row.checkpoint is not None and not row.problem]

        def make(values: dict[str, Value]) -> Swap:
            if values.get(START):
                return start_swap(self.dashboard.root, values)
            seed = values["seed"]
            return new_swap(
                open_workspace(self.dashboard.root),
                str(values["name"]) if values["name"] else None,
                str(values["source"]),
                str(values["target"]),
                preset=str(values["preset"]),
                seed=secrets.randbelow(2**31) if seed is None else int(seed),
                settings={},
                others=also_of(values),
            )

        def unmake(swap: Swap) -> str:
            ws = open_workspace(self.dashboard.root)
            require_idle(ws, {swap.slug}, swap.name)
            remove_swap(ws, get_swap(ws, swap.slug))
            return f"{clean(swap.name)} is in the trash."

        def made(swap: Swap) -> None:
            self.dashboard.push_undo(f"the making of {clean(swap.name)}", partial(unmake, swap))
            self.dashboard.say(
                f"{clean(swap.name)} is made. Train it with {self.dashboard.keys_of('train')}."
            )
            self.swap_made(swap.slug)

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                if values.get(START):
                    self.dashboard.say(f"Taking over what {values[START]} has learnt…")
                self.dashboard.do(partial(make, values), made)

        self.app.push_screen(new_swap_form(readable, trained), answered)

    def swap_made(self, slug: str) -> None:
        """A swap was just made here."""

    def action_swap_settings(self) -> None:
        """Show every setting of the swap, to be changed."""
        row = self.swap_row()
        if row is None:
            return

        def show(swap: Swap) -> None:
            if swap.preset not in PRESETS:
                self.dashboard.complain(
                    f"{clean(swap.name)} has the preset '{clean(swap.preset)}', which this "
                    f"swapdeck does not have. There are: {', '.join(PRESETS)}."
                )
                return
            self.app.push_screen(settings_form(swap), partial(answered, swap))

        def answered(swap: Swap, values: dict[str, Value] | None) -> None:
            if values is not None:
                self.dashboard.do(partial(change, swap, values), partial(changed, swap))

        def change(swap: Swap, values: Mapping[str, Value]) -> Swap:
            return update_swap(swap, **settings_after(swap, values))

        def changed(before: Swap, after: Swap) -> None:
            if (before.name, before.settings) == (after.name, after.settings):
                return
            self.dashboard.push_undo(f"the change of {clean(after.name)}", partial(back, before))
            self.dashboard.say(f"{clean(after.name)} is changed; it counts from the next training.")

        def back(before: Swap) -> str:
            now = get_swap(open_workspace(self.dashboard.root), before.slug)
            update_swap(now, name=before.name, settings=before.settings)
            return f"{clean(before.name)} is as it was."

        self.dashboard.do(lambda: get_swap(open_workspace(self.dashboard.root), row.slug), show)

    def action_trash_swap(self) -> None:
        """Move the swap to the trash, once the question is answered."""
        row = self.swap_row()
        if row is None:
            return

        def remove(ws: Workspace) -> Any:
            require_idle(ws, {row.slug}, row.name)
            return remove_swap(ws, get_swap(ws, row.slug))

        trained = f"trained to step {row.trained:,}" if row.trained else "never trained"
        results = f", and {len(row.results)} results" if row.results else ""
        self.dashboard.trash(
            f"Move {row.name} to the trash?",
            f"Its model, {trained}, its checkpoints and previews{results} go with it. Footage and "
            "faces stay with their people.",
            remove,
            row.name,
            self.swap_gone,
        )

    def swap_gone(self) -> None:
        """The swap of this screen was just removed."""

    # Trained.

    def action_train(self) -> None:
        """Ask how long, and start the training as a job."""
        row = self.swap_row()
        if row is None or self.snapshot is None:
            return

        def answered(values: dict[str, Value] | None) -> None:
            if values is not None:
                self.start_consented("train", "training", train_arguments(row.slug, values))

        self.app.push_screen(train_form(row, self.snapshot), answered)

    def start_consented(
        self,
        verb: str,
        use: str,
        arguments: dict[str, Any],
        then: Callable[[str], None] | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        """Start a job on the swap if the consent of all its people covers `use`; else say why not.

        `then` gets the job's id; `quiet` says nothing of the start.
        """
        row = self.swap_row()
        if row is None:
            return

        def allowed() -> None:
            ws = open_workspace(self.dashboard.root)
            swap = get_swap(ws, row.slug)
            require_consent(ws, swap, use)
            for _, name in check_casts(ws, swap, arguments.get("cast") or ()):
                require_consent(ws, get_swap(ws, name), use)

        def start(_: None) -> None:
            self.dashboard.start_job(verb, row.slug, arguments, then, quiet=quiet)

        self.dashboard.do(allowed, start)

    def action_convert(self) -> None:
        """Show footage, and what would become of it."""
        from tui.convert import ConvertScreen

        row = self.swap_row()
        if row is not None:
            self.app.push_screen(ConvertScreen(row.slug))

    def action_checkpoints(self) -> None:
        """Show the swap's checkpoints."""
        from tui.checkpoints import CheckpointsScreen

        row = self.swap_row()
        if row is not None:
            self.app.push_screen(CheckpointsScreen(row.slug))


def find_swap(snapshot: Snapshot, slug: str) -> SwapRow | None:
    """The swap with this slug, None when it has gone."""
    return next((row for row in snapshot.swaps if row.slug == slug), None)


def live_job(snapshot: Snapshot, slug: str) -> JobRow | None:
    """The job that works on a swap now: its training, if there is one."""
    live = [row for row in snapshot.jobs if row.subject == slug and row.state in LIVE]
    return next((row for row in live if row.verb == "train"), live[0] if live else None)


_ON_A_SWAP = frozenset({"train", "swap_settings", "checkpoints", "trash_swap", "convert"})
