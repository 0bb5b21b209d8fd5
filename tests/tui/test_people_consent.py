"""A person's consent: its paper, its uses, changed and withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from projects.consent import Consent
from projects.people import get_person, set_consent
from projects.releases import find_release
from projects.workspace import Workspace, list_trash
from tui.app import Dashboard
from tui.dialogs import Confirm
from tui.forms import Form
from tui.traces_window import TracesWindow

from .conftest import listed, press, screen_text, settle, told, write
from .workspaces import RELEASE, empty, person, trained_swap

Open = Callable[[], Dashboard]


async def test_the_signed_paper_is_kept_with_the_consent(
    root: Path, dashboard: Open, tmp_path: Path
) -> None:
    empty(root)
    paper = tmp_path / "release.pdf"
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        await write(pilot, "Cy")
        await press(pilot, *["down"] * 7)
        await write(pilot, str(paper))
        await press(pilot, "ctrl+s")
        assert "There is no file" in screen_text(pilot)
        paper.write_bytes(b"%PDF signed")
        await press(pilot, "ctrl+s")
        assert "A consent needs a basis." in screen_text(pilot)
        await press(pilot, *["up"] * 6, "s", "ctrl+s")
        cy = get_person(Workspace(root), "cy")
        assert cy.consent is not None and cy.consent.document is not None
        assert find_release(cy, cy.consent.document).state == "stored"


async def test_somebody_may_be_added_before_the_paper_comes(root: Path, dashboard: Open) -> None:
    empty(root)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "a")
        await write(pilot, "Ben")
        await press(pilot, "ctrl+s")
        assert "without a consent yet" in told(pilot)
        assert get_person(Workspace(root), "ben").consent is None
        await press(pilot, "n")  # what is next is the consent
        assert isinstance(pilot.app.screen, Form)
        assert "Edit Ben" in screen_text(pilot)


async def test_name_and_consent_are_changed_and_taken_back(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", RELEASE)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "e")
        assert "one film" in screen_text(pilot)
        await write(pilot, " Lind")
        await press(pilot, *["down"] * 6)
        await write(pilot, "2031-05-01")
        await press(pilot, "ctrl+s")
        anna = get_person(ws, "anna")
        assert anna.name == "Anna Lind"
        assert anna.consent is not None
        assert (anna.consent.expires, anna.consent.scope) == ("2031-05-01", "one film")
        assert "Anna: the name and consent changed." in told(pilot)
        await press(pilot, "z")
        anna = get_person(ws, "anna")
        assert anna.name == "Anna"
        assert anna.consent == RELEASE


async def test_uses_of_a_consent_are_changed_one_by_one_and_never_to_none(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna", RELEASE)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "e", "down", "down", "down", "n", "down", "n", "ctrl+s")
        assert "covers at least one use" in screen_text(pilot)
        await press(pilot, "up", "y", "ctrl+s")
        consent = get_person(ws, "anna").consent
        assert consent is not None
        assert consent.covers == ("training",)


async def test_a_consent_that_changed_meanwhile_is_not_overwritten(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    anna = person(ws, "Anna", RELEASE)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "e", "down", "down")
        await write(pilot, " more")
        set_consent(anna, Consent("self", "all", "herself", "2026-11-05"))
        await press(pilot, "ctrl+s")
        assert "was changed elsewhere meanwhile" in told(pilot)
        consent = get_person(ws, "anna").consent
        assert consent is not None and consent.basis == "self"


async def test_a_withdrawal_asks_lists_what_was_made_and_takes_it_away(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    person(ws, "Anna", RELEASE, faces=8)
    person(ws, "Bruno")
    trained_swap(ws, "anna", "bruno", 20)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        await press(pilot, "W")
        assert isinstance(pilot.app.screen, Confirm)
        await press(pilot, "enter")
        assert get_person(ws, "anna").consent_state == "valid"
        await press(pilot, "W", "right", "enter")
        assert get_person(ws, "anna").consent_state == "withdrawn"
        assert isinstance(pilot.app.screen, TracesWindow)
        text = screen_text(pilot)
        assert "trained weights" in text
        assert "swapdeck person consent anna --delete" in text
        await press(pilot, "enter")
        assert "! withdrawn" in listed(pilot)[0]
        await press(pilot, "W", "right", "enter")  # it is withdrawn: straight to the list
        assert [row.split()[0] for row in listed(pilot)] == ["Bruno"]
        assert {path.name for path in list_trash(ws)} == {"anna", "anna-as-bruno"}
        await press(pilot, "z")
        assert get_person(ws, "anna").consent_state == "withdrawn"
        assert list_trash(ws) == []
