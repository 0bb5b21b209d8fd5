"""Two folders of one human being become one; nothing that anybody agreed to grows by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from projects import ledger, merging
from projects.bases import get_base, new_base
from projects.consent import Consent, require
from projects.errors import CommandError, RefusedError
from projects.face_decisions import decide
from projects.faces import FaceIndex
from projects.jobs import create_job, holding_lock, record_processes
from projects.merging import merge, plan_merge
from projects.people import Person, add_person, get_person, list_people, rename_person, set_consent
from projects.releases import find_release, store_release
from projects.sources import add_source, list_sources
from projects.swaps import get_swap, new_swap
from projects.traces import erase, made_from
from projects.workspace import Workspace, list_trash

from .made_faces import face

RELEASE = Consent("release", "one film", "tests", "2026-11-01", uses=("training", "conversion"))


def film(person: Person, content: str, faces: int, folder: Path) -> str:
    """A source with faces, their crops and a mask; its digest."""
    clip = folder / f"{content}.mp4"
    clip.write_text(content)
    source, _ = add_source(person, clip, "video", str(clip))
    rows = []
    for number in range(faces):
        rows.append(face(source.digest, number, 0.0))
        (person.faces_dir / rows[-1].crop).write_text(f"{person.slug} {number}")
    (person.root / "masks").mkdir(exist_ok=True)
    (person.root / "masks" / f"{source.digest[:16]}-0.png").write_text("mask")
    with FaceIndex(person.index_path) as index:
        index.start(source.digest, '{"every": 1}')
        index.add_frames(source.digest, rows, faces)
        index.finish(source.digest)
        index.set_meta(f"mended {source.digest[:16]}-0", "a note")
    return source.digest


@pytest.fixture
def twice(workspace: Workspace, tmp_path: Path) -> tuple[Person, Person]:
    """One human who was added twice; a clip is in both folders."""
    ada, again = (add_person(workspace, name, RELEASE) for name in ("Ada", "Ada two"))
    for person in (ada, again):
        film(person, "common", 2, tmp_path)
    film(again, "only theirs", 3, tmp_path)
    return ada, again


def test_sources_faces_decisions_and_notes_come_over(
    workspace: Workspace, twice: tuple[Person, Person]
) -> None:
    ada, again = twice
    decide(again, ["source='only theirs.mp4' and frame=1"], kept=False, reason="blinks")
    decide(again, ["source=common.mp4"], kept=False)
    plan = plan_merge(workspace, ada, again)
    assert (len(plan.sources), plan.common, plan.faces) == (1, 1, 3)
    merged, trashed = merge(workspace, plan)
    assert [person.slug for person in list_people(workspace)] == ["ada"]
    assert list_trash(workspace) == [trashed]
    assert [source.name for source in list_sources(merged)] == ["common.mp4", "only theirs.mp4"]
    with FaceIndex(merged.index_path, readonly=True) as index:
        rows = list(index.rows())
        counts = index.counts()
        [mended] = index.notes(plan.sources[0].digest).values()
        assert all(scan.finished for scan in index.scans())
    assert mended == "a note"
    assert counts.reasons == {"by hand: blinks": 1}  # of the clip that both have, Ada's count
    assert all((merged.faces_dir / row.crop).is_file() for row in rows)
    assert len(list((merged.root / "masks").iterdir())) == 2


def test_swaps_follow_and_are_still_allowed(
    workspace: Workspace, ben: Person, twice: tuple[Person, Person]
) -> None:
    ada, again = twice
    swap = new_swap(workspace, "it", again, ben, preset="light-64", seed=1, settings={})
    text = (swap.root / "swap.toml").read_text()
    (swap.root / "swap.toml").write_text(f"# mine\n{text}")
    merge(workspace, plan_merge(workspace, ada, again))
    assert get_swap(workspace, "it").source == "ada"
    assert "# mine" in (swap.root / "swap.toml").read_text()


def test_bases_follow(workspace: Workspace, ben: Person, twice: tuple[Person, Person]) -> None:
    ada, again = twice
    people = [again.slug, ben.slug, ada.slug]
    new_base(workspace, "crew", preset="light-64", seed=1, people=people, crowd=0, steps=9)
    plan = plan_merge(workspace, ada, again)
    assert "Bases that become Ada's: crew." in plan.sentences()
    merge(workspace, plan)
    assert get_base(workspace, "crew").people == ("ada", "ben")


def test_people_whom_a_swap_puts_on_each_other_are_two(
    workspace: Workspace, twice: tuple[Person, Person]
) -> None:
    ada, again = twice
    new_swap(workspace, "it", again, ada, preset="light-64", seed=1, settings={})
    with pytest.raises(CommandError, match="swapdeck swap remove it"):
        plan_merge(workspace, ada, again)


def test_a_swap_that_is_older_than_the_person_sends_the_other_way(
    workspace: Workspace, ben: Person, twice: tuple[Person, Person]
) -> None:
    ada, again = twice
    new_swap(workspace, "it", again, ben, preset="light-64", seed=1, settings={})
    later = replace(ada, created="2999-01-01T00:00:00+00:00")
    with pytest.raises(CommandError, match="swapdeck person merge ada-two ada"):
        plan_merge(workspace, later, again)


def test_the_consent_is_what_both_agreed_to(
    workspace: Workspace, twice: tuple[Person, Person], tmp_path: Path
) -> None:
    ada, again = twice
    paper = tmp_path / "licence.pdf"
    paper.write_bytes(b"%PDF a licence")
    other = Consent(
        "licensed", "the archive's clips", "tests", "2026-11-02", expires="2030-05-01",
        uses=("training", "export"), document=store_release(again, paper),
    )  # fmt: skip
    set_consent(again, other)
    set_consent(ada, replace(RELEASE, expires="2031-01-01"))
    merged, _ = merge(workspace, plan_merge(workspace, ada, again))
    consent = require(merged, "training")
    assert consent.covers == ("training",)
    assert consent.expires == "2030-05-01"
    assert consent.basis == "other"
    assert consent.explanation is not None
    assert "Ada: release" in consent.explanation and "Ada two: licensed" in consent.explanation
    assert consent.scope == "one film; the archive's clips"
    assert find_release(merged, str(consent.document)).state == "stored"
    with pytest.raises(RefusedError):
        require(merged, "conversion")


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (None, "no consent record"),
        (replace(RELEASE, withdrawn_at="2026-11-20"), "withdrew"),
        (replace(RELEASE, uses=("export",)), "nothing in common"),
        (replace(RELEASE, basis="synthetic"), "rendered"),
    ],
)
def test_a_merge_that_would_widen_or_hide_a_consent_is_refused(
    workspace: Workspace, ada: Person, theirs: Consent | None, words: str
) -> None:
    set_consent(ada, RELEASE)
    other = add_person(workspace, "Ada two", theirs)
    for into, away in ((ada, other), (other, ada)):
        with pytest.raises(RefusedError, match=words):
            plan_merge(workspace, into, away)
    assert len(list_people(workspace)) == 2


def test_a_damaged_consent_is_not_merged(
    workspace: Workspace, twice: tuple[Person, Person]
) -> None:
    ada, again = twice
    path = again.root / "person.toml"
    path.write_text(path.read_text().replace('"release"', "7"))
    with pytest.raises(RefusedError, match="cannot be read"):
        plan_merge(workspace, ada, again)


@pytest.mark.parametrize("fails", ["_take_faces", "replace_person", "move_to_trash"])
def test_cut_off_in_the_middle_it_is_finished_by_the_same_command(
    workspace: Workspace,
    ben: Person,
    twice: tuple[Person, Person],
    monkeypatch: pytest.MonkeyPatch,
    fails: str,
) -> None:
    ada, again = twice
    set_consent(again, replace(RELEASE, basis="licensed"))
    new_swap(workspace, "it", again, ben, preset="light-64", seed=1, settings={})

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(merging, fails, broken)
        with pytest.raises(KeyboardInterrupt):
            merge(workspace, plan_merge(workspace, ada, again))
    half = get_person(workspace, "ada")
    assert get_person(workspace, "ada-two").slug == "ada-two"
    merged, _ = merge(workspace, plan_merge(workspace, half, again))
    assert len(list_sources(merged)) == 2
    with FaceIndex(merged.index_path, readonly=True) as index:
        assert index.counts().total == 5
    assert merged.consent is not None and merged.consent.explanation is not None
    assert merged.consent.explanation.count("Ada two: licensed") == 1


def test_what_was_made_from_either_is_found_and_erased(
    workspace: Workspace, twice: tuple[Person, Person], tmp_path: Path
) -> None:
    ada, again = twice
    elsewhere = tmp_path / "out.mp4"
    elsewhere.write_bytes(b"v")
    ledger.append(workspace, "output", file=str(elsewhere), swap="x", people=["ada-two", "ben"])
    merged, trashed = merge(workspace, plan_merge(workspace, ada, again))
    found = made_from(workspace, merged)
    assert [trace.path for trace in found.elsewhere] == [elsewhere]
    assert trashed.parent in [trace.path for trace in found.inside]
    erase(workspace, merged, found)
    assert not trashed.exists()
    assert not list_people(workspace)


def test_somebody_new_of_the_merged_name_is_another(
    workspace: Workspace, twice: tuple[Person, Person], tmp_path: Path
) -> None:
    ada, again = twice
    merged, _trashed = merge(workspace, plan_merge(workspace, ada, again))
    new = add_person(workspace, "Ada two", RELEASE)
    ledger.append(workspace, "output", file=str(tmp_path / "x.mp4"), people=["ada-two"])
    assert [trace.path for trace in made_from(workspace, new).elsewhere] == [tmp_path / "x.mp4"]
    assert not made_from(workspace, merged).elsewhere


def test_a_person_gets_another_name_and_keeps_the_folder(workspace: Workspace, ada: Person) -> None:
    path = ada.root / "person.toml"
    path.write_text(f"# kept\n{path.read_text()}")
    renamed = rename_person(workspace, ada, "Grace Hopper")
    assert (renamed.name, renamed.slug) == ("Grace Hopper", "ada")
    assert path.read_text().startswith("# kept")
    for name in ("Grace Hopper", "grace-hopper", "ada"):
        assert get_person(workspace, name) == renamed
    assert ledger.entries(workspace)[-1].kind == "renaming"


@pytest.mark.parametrize("name", ["Ben", "ben!", "", "a/b", "x" * 99])
def test_a_name_that_is_taken_or_unusable_changes_nothing(
    workspace: Workspace, ada: Person, ben: Person, name: str
) -> None:
    with pytest.raises(CommandError):
        rename_person(workspace, ada, name)
    assert get_person(workspace, "ada").name == "Ada"


def test_nobody_new_gets_a_name_that_somebody_was_given(
    workspace: Workspace, ada: Person, consent: Consent
) -> None:
    rename_person(workspace, ada, "Grace")
    with pytest.raises(CommandError, match="already a person called 'Grace'"):
        add_person(workspace, "grace", consent)
    assert rename_person(workspace, get_person(workspace, "Grace"), "Ada").name == "Ada"


def test_a_job_that_works_with_one_of_them_holds_the_merge_off(
    workspace: Workspace, twice: tuple[Person, Person]
) -> None:
    job = create_job(workspace, "extract", "ada-two", {})
    with holding_lock(job) as descriptor:
        assert descriptor is not None
        record_processes(job, descriptor, None)
        with pytest.raises(RefusedError, match="swapdeck jobs stop"):
            plan_merge(workspace, *twice)
