"""People: who there is, on what ground their faces are used, and what their datasets hold."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import ClassVar

from textual.actions import parse
from textual.content import Content

from projects.consent import FORBIDDEN
from tui import text
from tui.actions import ACTIONS, JOBS, LISTS, PEOPLE, bindings, ids
from tui.mode import ModeScreen
from tui.panes import Pane
from tui.person_pane import PersonPane, job_of, next_step
from tui.rows import Column, Row
from tui.snapshot import Detail, JobRow, PersonDetail, PersonRow, Snapshot
from tui.states import LIVE


class PeopleScreen(ModeScreen):
    """The people of the workspace."""

    MODE = "people"
    COLUMNS: ClassVar[Sequence[Column]] = (
        Column("name", 14, grow=3),
        Column("consent", 10, grow=1),
        Column("sources", 7, right=True),
        Column("kept", 7, right=True),
        Column("rejected", 8, right=True),
        Column("rejected as", 18, grow=1, from_width=84),
    )
    EMPTY = f"""[b]Nobody is here yet.[/]

[$warning]{fill(FORBIDDEN, 66)}[/]

A swap needs two people: one whose face will be seen,
and one whose footage is altered.

  [b $primary]a[/] adds a person, with their consent; [b $primary]n[/] then does what comes next
  [b $primary]T[/] tries the whole job on two rendered people, in some six minutes

  [b $primary]swapdeck demo[/]
  [b $primary]swapdeck person add Ada --basis self --scope "a test"[/]
  [b $primary]swapdeck gather ada footage.mp4[/]
  [b $primary]swapdeck extract ada[/]
  [$quiet]the same in another terminal; what they make appears here by itself[/]"""

    BINDINGS = bindings(*ids(PEOPLE))
    GROUPS: ClassVar[Sequence[str]] = (PEOPLE, LISTS, JOBS)

    def make_pane(self) -> Pane:
        return PersonPane(id="detail")

    @property
    def person(self) -> PersonRow | None:
        """Who is under the cursor."""
        people = self.snapshot.people if self.snapshot is not None else ()
        return next((row for row in people if row.slug == self.key), None)

    def rows(self, snapshot: Snapshot) -> list[Row]:
        return [
            Row(
                row.slug,
                (
                    Content(row.name) if not row.problem else Content.styled(row.name, "$error"),
                    _basis(row),
                    text.count(len(row.sources)),
                    text.count(row.kept),
                    Content.styled(text.count(row.rejected), "$quiet"),
                    Content.styled(
                        ", ".join(f"{reason} {number}" for reason, number in row.reasons), "$quiet"
                    ),
                ),
            )
            for row in snapshot.people
        ]

    def show_detail(self, snapshot: Snapshot, key: str, detail: Detail) -> None:
        for row in snapshot.people:
            if row.slug == key:
                found = detail if isinstance(detail, PersonDetail) else None
                self.query_one(PersonPane).show(row, found, job_of(key, snapshot.jobs))

    def job(self) -> JobRow | None:
        jobs = self.snapshot.jobs if self.snapshot is not None else ()
        return job_of(self.key, jobs)

    # Actions. What they need is imported when it is wanted: the dashboard opens with this mode.

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open" and self.is_mounted and self.has_class("-open"):
            row = self.person
            return row is not None and bool(row.kept + row.rejected)
        if not super().check_action(action, parameters):
            return False
        if action not in _OF_ONE or not self.is_mounted:
            return True
        row = self.person
        if row is None:
            return False
        if action == "merge_people":
            return self.snapshot is not None and len(self.snapshot.people) > 1
        if action == "withdraw":
            return row.consent not in ("missing", "damaged", "")
        if action == "next_step" and not row.problem:
            job = self.job()
            return job is None or job.state not in LIVE
        if row.problem:  # their files have to be mended first
            return action in ("trash_person", "faces", "sources")
        return True

    def action_open(self) -> None:
        """Give the details the whole screen, and then the faces."""
        if self.has_class("-open"):
            self.action_faces()
        else:
            super().action_open()

    async def action_next_step(self) -> None:
        """Do what the person needs next."""
        step = next_step(self.person) if self.person is not None else None
        if step is not None:
            await self.run_action(step[0])

    def action_add_person(self) -> None:
        """Ask for a name and the consent."""
        from tui import people_flows

        people = self.snapshot.people if self.snapshot is not None else ()
        people_flows.add(self.dashboard, people)

    def action_edit_person(self) -> None:
        """Change name and consent."""
        from tui import people_flows

        if self.person is not None:
            people_flows.edit(self.dashboard, self.person)

    def action_gather(self) -> None:
        """Bring in footage."""
        from tui import people_flows

        if self.person is not None:
            people_flows.gather(self.dashboard, self.person)

    def action_extract(self) -> None:
        """Find the faces."""
        from tui import people_flows

        if self.person is not None:
            people_flows.extract(self.dashboard, self.person)

    def action_faces(self) -> None:
        """Look at the faces of the person."""
        from tui.gallery_reading import FaceReader
        from tui.people_faces import FacesScreen

        row = self.person
        if row is not None:
            self.app.push_screen(FacesScreen(FaceReader(self.dashboard.root, row.slug), row.name))

    def action_sources(self) -> None:
        """Look at the sources of the person."""
        from tui.people_sources import SourcesScreen

        if self.person is not None:
            self.app.push_screen(SourcesScreen(self.person.slug))

    def action_advice(self) -> None:
        """Ask the dataset doctor."""
        from tui.advice import AdviceWindow

        if self.person is not None and self.snapshot is not None:
            people = [(row.slug, row.name) for row in self.snapshot.people]
            self.app.push_screen(AdviceWindow(self.dashboard.root, people, self.person.slug))

    def action_merge_people(self) -> None:
        """Make one person of two folders."""
        from tui import people_flows

        if self.person is not None and self.snapshot is not None:
            people_flows.merge_with(self.dashboard, self.person, self.snapshot.people)

    def action_withdraw(self) -> None:
        """Note a withdrawal, and list what was made."""
        from tui import people_flows

        if self.person is not None:
            people_flows.end_consent(self.dashboard, self.person)

    def action_trash_person(self) -> None:
        """Move the person to the trash."""
        from tui import people_flows

        if self.person is not None:
            people_flows.trash(self.dashboard, self.person)


_OF_ONE = frozenset(
    parse(action.action)[1]
    for action in ACTIONS
    if action.group == PEOPLE and action.id != "add-person"
)


def _basis(row: PersonRow) -> Content:
    if row.problem and not row.consent:
        return Content.styled("! unreadable", "$error")
    if row.lapsed:
        return Content.styled(f"! {row.consent}", "$warning")
    return Content(row.basis)
