"""Long, wide and right-to-left texts, and a workspace that others change meanwhile."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from projects import jobs
from projects.people import load_person, remove_person
from projects.swaps import load_swap, new_swap, remove_swap
from projects.workspace import Workspace
from tui.app import Dashboard

from .conftest import listed, press, reread, screen_text, settle
from .workspaces import empty, ended_job, person, running_job, trained_swap

Open = Callable[[], Dashboard]

NAMES = (
    "Anneliese-Margarethe von und zu Wolfeschlegelsteinhausenbergerdorff der Dritten",
    "渡辺 美咲 と 長い 名前 の 人 がここに います とても とても 長い",
    "محمد بن سلمان بن عبد العزيز آل سعود الطويل جدا",
    "Ñandú 👩‍🚀 Zoë 🧑🏽‍🎤 Łukasz",
)


def assert_it_fits(pilot: Pilot[None]) -> None:
    """No line is wider than the terminal, and nothing reorders or moves what stands beside it."""
    width = pilot.app.size.width
    for strip in pilot.app.screen._compositor.render_strips():
        assert strip.cell_length == width
        assert cell_len(strip.text) == width
        assert not any(unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE") for c in strip.text)


def world(ws: Workspace) -> None:
    """People with such names, a swap of two of them, and jobs with long words."""
    slugs = [person(ws, name, faces=3).slug for name in NAMES]
    trained_swap(ws, slugs[0], slugs[1], 40)
    ended_job(ws, "extract", slugs[2], 1, "It could not be read, " + "for a long reason " * 40)
    ended_job(ws, "convert", "x" * 90, 0, "Done.")


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (121, 33), (200, 60)])
async def test_every_mode_shows_long_wide_and_right_to_left_texts(
    root: Path, dashboard: Open, size: tuple[int, int]
) -> None:
    world(empty(root))
    async with dashboard().run_test(size=size) as pilot:
        for mode in "12345":
            await press(pilot, mode)
            assert_it_fits(pilot)
            if mode != "5":
                await press(pilot, "j", "enter")
                assert_it_fits(pilot)
                await press(pilot, "escape")
        await press(pilot, "1")
        assert all(len(row.split()) > 1 for row in listed(pilot))


async def test_a_person_deleted_by_another_process_is_gone_without_harm(
    root: Path, dashboard: Open
) -> None:
    ws = empty(root)
    for name in ("Anna", "Bruno", "Carla"):
        person(ws, name, faces=8)
    trained_swap(ws, "anna", "bruno", 40)
    async with dashboard().run_test(size=(140, 40)) as pilot:
        await press(pilot, "j", "enter")
        assert "Bruno" in screen_text(pilot)
        remove_person(ws, load_person(ws.people / "bruno"))
        await reread(pilot)
        assert [row.split()[0] for row in listed(pilot)] == ["Anna", "Carla"]
        await press(pilot, "2")
        assert "bruno" in screen_text(pilot)  # the swap still says of whom it is made
        shutil.rmtree(ws.people / "carla")  # by hand, without the trash
        (ws.people / "anna" / "faces.sqlite").write_bytes(b"")
        await press(pilot, "1")
        await reread(pilot)
        assert [row.split()[0] for row in listed(pilot)] == ["Anna"]


async def test_a_swap_and_a_job_deleted_while_they_are_shown(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    for name in ("Anna", "Bruno"):
        person(ws, name)
    swap = new_swap(ws, None, "anna", "bruno", preset="light-64", seed=1, settings={})
    job, log = running_job(ws, swap)
    with jobs.holding_lock(job):
        async with dashboard().run_test(size=(80, 24)) as pilot:
            await press(pilot, "3", "enter")
            log.emit("step", step=1, steps=10, loss=0.5)
            await reread(pilot)
            shutil.rmtree(job.root)
            await reread(pilot)
            assert "Nothing runs" in screen_text(pilot)
            await press(pilot, "2", "enter")
            remove_swap(ws, load_swap(swap.root))
            await reread(pilot)
            assert "This swap is not there any more." in screen_text(pilot)
            await press(pilot, "escape")
            assert "There is no swap yet" in screen_text(pilot)


async def test_the_whole_workspace_can_vanish_and_come_back(root: Path, dashboard: Open) -> None:
    ws = empty(root)
    person(ws, "Anna", faces=3)
    async with dashboard().run_test(size=(80, 24)) as pilot:
        await settle(pilot)
        root.rename(root.with_name("away"))
        for mode in "12345":
            await press(pilot, mode)
            await reread(pilot)
            assert screen_text(pilot).strip()
        root.with_name("away").rename(root)
        await press(pilot, "1")
        await reread(pilot)
        assert [row.split()[0] for row in listed(pilot)] == ["Anna"]
