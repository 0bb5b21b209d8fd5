"""What was made from a person's data is found, and erased whole, also after a crash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from projects import cache, ledger, traces
from projects.bases import list_bases, new_base, remove_base
from projects.checkpoint_rows import trash_checkpoint
from projects.consent import Consent
from projects.errors import CommandError, RefusedError
from projects.jobs import create_job, holding_lock, record_processes
from projects.people import Person, add_person, get_person, list_people, set_consent
from projects.swaps import Swap, list_swaps, new_swap, remove_swap
from projects.texts import read_json
from projects.traces import (
    erase,
    made_from,
    put_in_trash,
    require_idle,
    require_no_conversion,
    sweep_erased,
)
from projects.workspace import Workspace, list_trash


def make(workspace: Workspace, source: Person, target: Person, name: str) -> Swap:
    swap = new_swap(workspace, name, source, target, preset="light-64", seed=1, settings={})
    (swap.checkpoints_dir / "00000001").mkdir()
    (swap.checkpoints_dir / "00000001" / "state.safetensors").write_bytes(b"w" * 1000)
    (swap.results_dir / "out.mp4").write_bytes(b"v" * 100)
    return swap


@pytest.fixture
def full(workspace: Workspace, ada: Person, ben: Person, consent: Consent, tmp_path: Path) -> Path:
    """Ada with footage, faces, two swaps, one of them in the trash, and results in the world."""
    zoe = add_person(workspace, "Zoe", consent)
    for person in (ada, ben, zoe):
        (person.sources_dir / "a.mp4").write_bytes(b"s" * 50)
        (person.faces_dir / "1.png").write_bytes(b"f" * 5)
    (ada.root / "masks").mkdir()
    (ada.root / "masks" / "1.png").write_bytes(b"m")
    swap = make(workspace, ada, ben, "one")
    for whose in (swap, make(workspace, ben, zoe, "others")):
        (whose.checkpoints_dir / "00000002").mkdir()
        (whose.checkpoints_dir / "00000002" / "state.safetensors").write_bytes(b"w")
        trash_checkpoint(workspace, whose, 2)
    remove_swap(workspace, make(workspace, zoe, ada, "two"))
    for name, of in (("crew", "ada"), ("old crew", "ada"), ("band", "zoe")):
        base = new_base(
            workspace, name, preset="light-64", seed=1, people=["ben", of], crowd=0, steps=9
        )
        (base.checkpoints_dir / "00000001").mkdir()
        if name == "old crew":
            remove_base(workspace, base)
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("record.mp4", "ledger.mp4", "else.mp4"):
        (outside / name).write_bytes(b"mine")
    record = {"version": 1, "output": str(outside / "record.mp4"), "input": "x"}
    (swap.results_dir / "record.mp4.conversion.json").write_text(json.dumps(record))
    about = {"swap": "one", "people": ["ada", "ben"]}
    ledger.append(workspace, "output", file=str(outside / "ledger.mp4"), **about)
    ledger.append(workspace, "output", file=str(swap.results_dir / "out.mp4"), **about)
    ledger.append(workspace, "export", folder=str(outside / "gone"), **about)
    ledger.append(workspace, "output", file=str(outside / "else.mp4"), swap="others", people=["x"])
    cache.store(workspace, "chips", "0123456789abcdef", b"somebody's face")
    (ada.root / "link").symlink_to(outside)
    return outside


def test_everything_is_found_with_its_size(workspace: Workspace, ada: Person, full: Path) -> None:
    found = made_from(workspace, ada)
    by_kind = {kind: [t for t in found.traces if t.kind == kind] for kind in get_args(traces.Kind)}
    assert {t.path.name: t.size for t in by_kind["person"]}.items() >= {
        ("sources", 50),
        ("faces", 5),
    }
    assert by_kind["person"][-1].path == ada.root  # masks, the record, and the link itself
    assert {t.path.name: t.size for t in by_kind["swap"]}["checkpoints"] == 1000
    assert (found.swaps, found.bases) == (("one",), ("crew",))
    assert [(t.path.name, t.files) for t in by_kind["cache"]] == [("cache", 1)]
    checkpoint, base, swap = sorted(by_kind["trash"], key=lambda trace: trace.size)
    assert (base.path / "old-crew").is_dir() and checkpoint.size < 1000 < swap.size
    assert {(t.path.name, t.files) for t in found.elsewhere} == {
        ("record.mp4", 1),
        ("ledger.mp4", 1),
        ("gone", 0),
    }


def test_erasing_leaves_nothing_of_the_person_and_all_of_the_others(
    workspace: Workspace, ada: Person, full: Path
) -> None:
    erase(workspace, ada, made_from(workspace, ada))
    assert [person.slug for person in list_people(workspace)] == ["ben", "zoe"]
    assert [swap.slug for swap in list_swaps(workspace)] == ["others"]
    assert [base.slug for base in list_bases(workspace)] == ["band"]
    [left] = list_trash(workspace)
    assert left.name == "00000002" and read_json(left.parent / "trash.json")["from"].startswith(
        "swaps/others/"
    )
    assert not [path for path in workspace.root.rglob("*") if b"ada" in os.fsencode(path.name)]
    assert {path.name for path in full.iterdir()} == {"record.mp4", "ledger.mp4", "else.mp4"}
    acts = [e.values["act"] for e in ledger.entries(workspace) if e.kind == "erasure"]
    assert acts == ["begun", "done"]
    assert ledger.verify(workspace).sound
    assert sum(one.entries for one in cache.usage(workspace)) == 0


def test_an_erasure_that_is_killed_anywhere_is_finished_by_the_next(
    workspace: Workspace, ada: Person, full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every deletion in turn is the last one before the power goes."""

    class PowerCutError(BaseException):
        pass

    def cut(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
        def deletes(*words: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise PowerCutError
            return function(*words, **options)

        left = number
        return deletes

    unlink, kills = os.unlink, 0
    while any(person.slug == "ada" for person in list_people(workspace)):
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", cut(1, unlink))
            try:
                erase(workspace, get_person(workspace, "ada"), made_from(workspace, ada))
            except PowerCutError:
                kills += 1
        assert not [e for e in list_people(workspace) if e.damage]
        list_swaps(workspace)
        assert kills < 100
    sweep_erased(workspace)
    assert kills > 3
    assert not [path for path in workspace.root.rglob("*") if b"ada" in os.fsencode(path.name)]
    assert [swap.slug for swap in list_swaps(workspace)] == ["others"]
    assert len(list(full.iterdir())) == 3


def test_somebody_of_the_same_name_later_is_another_person(
    workspace: Workspace, ada: Person, full: Path, consent: Consent
) -> None:
    erase(workspace, ada, made_from(workspace, ada))
    assert made_from(workspace, add_person(workspace, "Ada", consent)).elsewhere == ()


def test_the_trash_takes_person_and_swaps(workspace: Workspace, ada: Person, full: Path) -> None:
    withdrawn = replace(cast(Consent, ada.consent), withdrawn_at="2026-11-24")
    ada = set_consent(ada, withdrawn)
    put_in_trash(workspace, ada, made_from(workspace, ada))
    trash = [path.name for path in list_trash(workspace)]
    assert sorted(trash) == [
        *("00000002", "00000002", "ada", "crew", "old-crew", "one", "two"),
    ]


def test_a_swap_that_cannot_be_read_is_named(workspace: Workspace, ada: Person, full: Path) -> None:
    (workspace.swaps / "others" / "swap.toml").write_text("version = ")
    [sentence] = made_from(workspace, ada).unreadable
    assert "others" in sentence


def test_nothing_is_taken_away_under_a_job_that_works_with_it(
    workspace: Workspace, ada: Person
) -> None:
    job = create_job(workspace, "train", "one", {})
    require_idle(workspace, {"ada", "one"}, "Ada")
    with holding_lock(job) as descriptor:
        assert descriptor is not None
        record_processes(job, descriptor, None)
        with pytest.raises(RefusedError, match=f"swapdeck jobs stop {job.id}"):
            require_idle(workspace, {"ada", "one"}, "Ada")
        require_idle(workspace, {"ben"}, "Ben")
    require_idle(workspace, {"ada", "one"}, "Ada")


def test_a_person_folder_that_leads_out_is_not_erased(
    workspace: Workspace, ada: Person, full: Path
) -> None:
    moved = full / "ada"
    ada.root.rename(moved)
    (workspace.people / "ada").symlink_to(moved)
    with pytest.raises(CommandError):
        get_person(workspace, "ada")
    with pytest.raises(CommandError):
        erase(workspace, ada, made_from(workspace, ada))
    assert (moved / "person.toml").exists()


def test_nothing_is_taken_away_under_a_conversion_of_others(
    workspace: Workspace, full: Path
) -> None:
    """What conversions keep of everybody is deleted with it."""
    job = create_job(workspace, "convert", "others", {})
    require_no_conversion(workspace)
    with holding_lock(job) as descriptor:
        assert descriptor is not None
        record_processes(job, descriptor, None)
        with pytest.raises(RefusedError, match=job.id):
            require_no_conversion(workspace)
