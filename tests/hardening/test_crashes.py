"""A kill or a full disk at any write: the workspace stays sound, and the next run completes.

A fixed share of what `python -m tests.hardening.crashes` and `.training_kills` do: verbs that take
a moment. All of them get their faults in the slow tests below; in test_bad_input the disk is full
while a checkpoint, a video and faces are written.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from tests.hardening import crashes, training_kills

QUICK = [
    crashes.Verb(
        "person add",
        ("person", "add", "carla", "--basis", "self"),
        lambda base: (base / "workspace/people/carla/person.toml").is_file(),
        again=(0, 2),
    ),
    crashes.Verb(
        "person consent",
        ("person", "consent", "ada", "--scope", "another scope"),
        lambda base: "another scope" in (base / "workspace/people/ada/person.toml").read_text(),
        changes=("person.toml",),
    ),
    crashes.Verb(
        "faces reject",
        ("faces", "reject", "ada", "2", "3"),
        lambda base: crashes._kept(base, "ada") == 2,
        changes=("faces.sqlite",),
    ),
    crashes.Verb(
        "swap new",
        ("swap", "new", "second", "--source", "ada", "--target", "ben"),
        lambda base: (base / "workspace/swaps/second/swap.toml").is_file(),
        again=(0, 2),
    ),
    crashes.Verb(
        "swap remove",
        ("swap", "remove", "ada-as-ben", "--yes"),
        lambda base: not (base / "workspace/swaps/ada-as-ben").exists(),
        again=(0, 2),
    ),
    *(
        verb
        for verb in crashes.face_verbs("ada", "{media}")
        if verb.name in ("faces keep", "faces export")
    ),
]


@pytest.mark.parametrize("verb", QUICK, ids=lambda verb: verb.name)
def test_a_verb_survives_kills_and_full_disks(
    verb: crashes.Verb, good_workspace: Path, tmp_path: Path
) -> None:
    base = tmp_path / "good"
    shutil.copytree(good_workspace, base / "workspace")
    for folder in ("media", "out"):
        (base / folder).mkdir()
    crashes.make_corrections(base / "media", face=2)
    trial = crashes.Trial(base, verb, tmp_path)
    writes = trial.count()
    assert writes > 2
    draw = random.Random(verb.name)
    for mode in ("kill", "all", "full", "once"):
        fault = f"{mode}:{draw.randint(1, writes)}"
        assert (fault, crashes.Trial(base, verb, tmp_path).suffer(fault)) == (fault, "")


def test_what_does_not_survive_is_noticed(good_workspace: Path, tmp_path: Path) -> None:
    """A verb that never gets its work done, and one that takes away what was there."""
    shutil.copytree(good_workspace, tmp_path / "good" / "workspace")
    for verb, said in (
        (crashes.Verb("", ("person", "list"), lambda base: False), "not done"),
        (crashes.Verb("", ("person", "consent", "ada", "--scope", "x"), lambda base: True), "lost"),
        (crashes.Verb("", ("person", "show", "nobody"), lambda base: True), "ended with 2"),
    ):
        assert said in crashes.Trial(tmp_path / "good", verb, tmp_path).suffer("full:1000")


@pytest.mark.slow
def test_every_verb_survives_every_kind_of_fault() -> None:
    assert crashes.main(["--count", "6"]) == 0


@pytest.mark.slow
def test_a_training_comes_back_from_every_kill() -> None:
    assert training_kills.main(["--kills", "20"]) == 0
