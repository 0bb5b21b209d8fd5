"""A source goes to the trash with its faces out of the dataset, and comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from projects import ledger
from projects.errors import CommandError, RefusedError
from projects.face_decisions import decide
from projects.faces import FaceIndex
from projects.jobs import create_job, holding_lock, record_processes
from projects.people import Person
from projects.source_removal import remove_source, restore_source
from projects.sources import Source, add_source, list_sources
from projects.workspace import Workspace, list_trash, restore_from_trash

from .made_faces import face


@pytest.fixture
def clips(ada: Person, tmp_path: Path) -> list[Source]:
    """Two clips; of the first, a face is kept by hand and one is rejected."""
    sources = []
    for name in ("two", "one"):  # in the order of their digests
        clip = tmp_path / f"{name}.mp4"
        clip.write_text(name)
        source, _ = add_source(ada, clip, "video", str(clip))
        with FaceIndex(ada.index_path) as index:
            index.start(source.digest, "{}")
            index.add_frames(source.digest, [face(source.digest, n, 0.0) for n in range(3)], 3)
        sources.append(source)
    decide(ada, ["1"], kept=True)
    decide(ada, ["2"], kept=False, reason="blinks")
    return sources


def verdicts(person: Person) -> list[tuple[bool, str]]:
    with FaceIndex(person.index_path, readonly=True) as index:
        return [(row.kept, row.reason) for row in index.rows(order="id")]


def test_it_goes_with_its_faces_and_comes_back_as_it_was(
    workspace: Workspace, ada: Person, clips: list[Source]
) -> None:
    before = verdicts(ada)
    trashed = remove_source(workspace, ada, clips[0])
    assert list_sources(ada) == clips[1:]
    assert list_trash(workspace) == [trashed]
    assert [kept for kept, _ in verdicts(ada)] == [False] * 3 + [True] * 3
    assert verdicts(ada)[1] == (False, "by hand: blinks")
    assert ledger.entries(workspace)[-1].values["source"] == clips[0].digest
    assert restore_source(workspace, ada, clips[0].digest, trashed) == 2
    assert list_sources(ada) == clips
    assert verdicts(ada) == before
    assert list_trash(workspace) == []


def test_the_trash_alone_brings_back_the_file_with_what_is_known_of_it(
    workspace: Workspace, ada: Person, clips: list[Source]
) -> None:
    restore_from_trash(workspace, remove_source(workspace, ada, clips[0]))
    assert list_sources(ada) == clips


def test_what_is_gone_already_is_a_sentence(
    workspace: Workspace, ada: Person, clips: list[Source]
) -> None:
    remove_source(workspace, ada, clips[0])
    with pytest.raises(CommandError, match="not there any more"):
        remove_source(workspace, ada, clips[0])
    with pytest.raises(CommandError, match="not there any more"):
        remove_source(workspace, ada, replace(clips[1], digest="f" * 64))


def test_not_while_a_job_reads_it(workspace: Workspace, ada: Person, clips: list[Source]) -> None:
    job = create_job(workspace, "extract", "ada", {})
    with holding_lock(job) as descriptor:
        assert descriptor is not None
        record_processes(job, descriptor, None)
        with pytest.raises(RefusedError, match="swapdeck jobs stop"):
            remove_source(workspace, ada, clips[0])
    assert list_sources(ada) == clips
