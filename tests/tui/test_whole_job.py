"""The whole job by keys alone, in a terminal of its own that goes away in the middle of it."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

from engine.bench.terminal import Terminal
from projects.jobs import list_jobs, state
from projects.swaps import get_swap
from projects.workspace import open_workspace
from tests.conftest import Swapdeck

COLUMNS, LINES = 120, 34
PATIENCE = 240.0  # seconds until what was waited for counts as never coming
ENTER, ESCAPE, TAB, SAVE = b"\r", b"\x1b", b"\t", b"\x13"


class Emulated:
    """A terminal with somebody in front of it, who types and reads."""

    def __init__(self, workspace: Path, home: Path) -> None:
        self.terminal = Terminal(workspace, home, columns=COLUMNS, lines=LINES)
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.terminal.close()

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def see(self, *words: str, line: bool = False) -> None:
        """Read on until all the words are on the screen at once; with `line`, in one line of it."""
        end = time.monotonic() + PATIENCE

        def seen() -> bool:
            parts = self.screen.display if line else [self.text]
            return any(all(word in part for word in words) for part in parts)

        while not seen():
            assert time.monotonic() < end, f"{words} never came:\n{self.text}"
            assert self.terminal.process.poll() is None, self.text
            self.stream.feed(self.terminal.read(1.0))

    def type(self, *keys: bytes | str) -> None:
        for key in keys:
            self.terminal.type(key if isinstance(key, bytes) else key.encode())


def test_a_swap_is_made_trained_left_found_again_and_converted(
    trained: Swapdeck, short_clips: dict[str, Path], tmp_path: Path
) -> None:
    home, workspace = tmp_path / "home", open_workspace(trained.root)
    with Emulated(trained.root, home) as deck:
        deck.see("anna", "bruno")
        deck.type("2")
        deck.see("anna → bruno")
        deck.type("a")
        deck.see("light-64 ▸", "Whose face will be seen.")
        deck.type(TAB, TAB, TAB)
        deck.see("Left empty it is called")
        deck.type("by keys", SAVE)
        deck.see("by keys is made")
        deck.type("t")
        deck.see("Train by keys", "To step", "Esc leaves")
        deck.type("4", ENTER)
        deck.see("running", "by keys")
        assert deck.terminal.hang_up() == 0
    (job,) = (job for job in list_jobs(workspace) if job.subject == "by-keys")
    assert state(job).name != "crashed"

    with Emulated(trained.root, home) as deck:
        deck.see("by keys")  # where it was left, and not in People
        deck.type("3")
        deck.see("✓ done", "train by-keys", line=True)
        assert get_swap(workspace, "by-keys").checkpoints_dir.joinpath("00000004").is_dir()
        deck.type("2c")
        deck.see("Convert with by keys")
        deck.type("a")
        deck.see("Esc leaves")
        deck.type("/", str(short_clips["scene"]), ENTER)
        deck.see("scene.mp4")
        deck.type(ENTER)
        deck.see("Convert with by keys", "scene.mp4")
        deck.type("c")
        deck.see("Enter or ^S saves")
        deck.type(SAVE)
        deck.see("✓ scene")
        deck.type("q")
        deck.terminal.settle(20)
        assert deck.terminal.process.wait(20) == 0
    (result,) = get_swap(workspace, "by-keys").results_dir.glob("*.mp4")
    assert result.stat().st_size > 1000
    assert {(one.verb, state(one).name) for one in list_jobs(workspace)} >= {
        ("train", "done"),
        ("convert", "done"),
    }
