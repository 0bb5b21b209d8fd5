import hashlib
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from projects import ledger
from projects.consent import Consent, require
from projects.errors import (
    CommandError,
    DamagedError,
    NewerVersionError,
    RefusedError,
    SwapdeckError,
)
from projects.people import (
    Person,
    add_person,
    change_consent,
    get_person,
    list_people,
    set_consent,
)
from projects.releases import find_release, store_release
from projects.workspace import Workspace


def test_a_person_is_found_by_name_and_by_folder(workspace: Workspace, consent: Consent) -> None:
    added = add_person(workspace, "Ada Lovelace", consent)
    assert get_person(workspace, "Ada Lovelace") == added
    assert get_person(workspace, "ada-lovelace") == added
    assert list_people(workspace) == [added]
    assert added.sources_dir.is_dir() and added.faces_dir.is_dir()


@pytest.mark.parametrize("name", ["Ada", "ADA", " ada ", "Ada!"])
def test_two_people_cannot_have_one_name_or_one_folder(
    workspace: Workspace, ada: Person, consent: Consent, name: str
) -> None:
    with pytest.raises(CommandError, match="already a person called 'Ada'"):
        add_person(workspace, name, consent)
    assert list_people(workspace) == [ada]


@pytest.mark.parametrize("name", ["..", "-rf", "CON", "", "\x1b[2J", "a/../b", "x" * 500])
def test_a_name_that_cannot_be_used_leaves_nothing(
    workspace: Workspace, consent: Consent, name: str
) -> None:
    with pytest.raises(CommandError):
        add_person(workspace, name, consent)
    assert list(workspace.people.iterdir()) == []


def test_names_of_any_script_work(workspace: Workspace, consent: Consent) -> None:
    added = add_person(workspace, "李明 (stunt)", consent)
    assert get_person(workspace, "李明 (stunt)").name == "李明 (stunt)"
    assert added.root.name == "李明-stunt"


def test_an_unknown_person_says_who_there_is(workspace: Workspace, ada: Person) -> None:
    with pytest.raises(CommandError, match=r"no person called 'Bob'\. There is: ada\."):
        get_person(workspace, "Bob")


def test_a_person_folder_that_links_out_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (workspace.people / "eve").symlink_to(outside)
    with pytest.raises(CommandError, match="leads out of"):
        get_person(workspace, "eve")


def test_a_link_out_of_a_persons_folder_is_refused(
    workspace: Workspace, ada: Person, tmp_path: Path
) -> None:
    ada.faces_dir.rmdir()
    ada.faces_dir.symlink_to(tmp_path)
    with pytest.raises(CommandError, match="leads out of"):
        get_person(workspace, "ada")


def test_one_damaged_person_does_not_hide_the_others(
    workspace: Workspace, ada: Person, ben: Person
) -> None:
    (ada.root / "person.toml").write_text("version = 1\nname = \n")
    problems: list[SwapdeckError] = []
    assert list_people(workspace, problems) == [ben]
    assert "line 2" in str(problems[0])
    with pytest.raises(DamagedError):
        list_people(workspace)


def test_a_hand_edit_that_went_wrong_names_the_file_and_the_field(
    workspace: Workspace, ada: Person
) -> None:
    path = ada.root / "person.toml"
    path.write_text(path.read_text().replace('name = "Ada"', "name = 3"))
    with pytest.raises(DamagedError, match="'name': it must be a text") as caught:
        get_person(workspace, "ada")
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('basis = "synthetic"', 'basis = "sure"', "not a basis of consent"),
        ('scope = "tests of swapdeck"\n', "", "'scope' is missing"),
        ("[consent]", 'consent = "yes"\n[other]', "'consent' must be a table"),
        ('basis = "synthetic"', 'basis = "self"\nuses = "training"', "must be a list"),
        ('basis = "synthetic"', 'basis = "self"\nuses = ["anything"]', "one or more of: training"),
        ('basis = "synthetic"', 'basis = "self"\nuses = []', "one or more of: training"),
    ],
)
def test_somebody_whose_consent_record_is_damaged_is_still_there(
    workspace: Workspace, ada: Person, consent: Consent, before: str, after: str, sentence: str
) -> None:
    path = ada.root / "person.toml"
    path.write_text(path.read_text().replace(before, after))
    found = get_person(workspace, "ada")
    assert (found.consent, found.consent_state, found.basis) == (None, "damaged", "")
    assert sentence in found.consent_problem and str(path) in found.consent_problem
    assert list_people(workspace) == [found]
    assert set_consent(found, consent).consent_state == "valid"
    assert get_person(workspace, "ada") == ada


def test_a_person_of_a_newer_version_says_update(workspace: Workspace, ada: Person) -> None:
    path = ada.root / "person.toml"
    path.write_text(path.read_text().replace("version = 1", "version = 2"))
    with pytest.raises(NewerVersionError):
        get_person(workspace, "ada")


def test_setting_consent_keeps_what_a_person_wrote(
    workspace: Workspace, ada: Person, consent: Consent
) -> None:
    path = ada.root / "person.toml"
    text = path.read_text().replace(
        "[consent]", 'agent = "Zoe" # her agent\n\n# Signed in Oslo.\n[consent]'
    )
    path.write_text(text.replace('"tests of swapdeck"', '"tests" # see the mail'))
    changed = replace(consent, scope="one film", expires="2030-01-01", basis="release")
    assert set_consent(ada, changed).consent == changed
    assert get_person(workspace, "ada").consent == changed
    assert 'agent = "Zoe" # her agent\n\n# Signed in Oslo.\n[consent]' in path.read_text()
    assert 'scope = "one film" # see the mail' in path.read_text()

    set_consent(ada, consent)
    assert "expires" not in path.read_text()
    assert get_person(workspace, "ada").consent == consent


def test_dates_may_be_written_as_toml_dates(workspace: Workspace, ada: Person) -> None:
    path = ada.root / "person.toml"
    path.write_text(path.read_text() + "expires = 2030-05-01\n")
    assert get_person(workspace, "ada").consent.expires == "2030-05-01"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"basis": "maybe"}, "Use one of: self"),
        ({"scope": ""}, "what the face may be used for"),
        ({"recorded_by": ""}, "who recorded it"),
        ({"recorded_at": "yesterday"}, "Write it as 2026-11-23"),
        ({"expires": "2020-01-01"}, "expires before"),
        ({"basis": "other"}, "needs an explanation"),
        ({"document": "release.pdf"}, "64 lower-case hex digits"),
        ({"scope": "a\x1b[2J"}, "cannot be shown"),
        ({"withdrawn_at": "soon"}, "not a date"),
    ],
)
def test_an_incomplete_consent_says_what_is_missing(
    workspace: Workspace, consent: Consent, change: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        add_person(workspace, "Ada", replace(consent, **change))
    assert list_people(workspace) == []


def test_consent_holds_until_the_end_of_its_last_day(consent: Consent) -> None:
    limited = replace(consent, expires="2026-12-31")
    assert limited.problem(datetime(2026, 12, 31, 23, tzinfo=UTC)) == ""
    assert "expired on 2026-12-31" in limited.problem(datetime(2027, 1, 1, tzinfo=UTC))
    assert consent.problem() == ""


def test_a_withdrawal_holds_also_when_the_clock_is_set_back(consent: Consent) -> None:
    withdrawn = replace(consent, withdrawn_at="2026-11-24")
    for day in (23, 24, 25):
        assert "withdrawn" in withdrawn.problem(datetime(2026, 11, day, tzinfo=UTC))


def test_a_person_may_be_added_before_there_is_a_consent(
    workspace: Workspace, consent: Consent
) -> None:
    added = add_person(workspace, "Eve", None)
    assert get_person(workspace, "eve") == added
    assert (added.consent_state, added.consent_problem) == (
        "missing",
        "There is no consent record.",
    )
    assert set_consent(added, consent) == get_person(workspace, "eve")


def test_a_record_from_before_uses_were_written_covers_what_there_was(consent: Consent) -> None:
    assert consent.uses is None
    assert replace(consent, basis="release").covers == ("training", "conversion")
    assert consent.covers == ("training", "conversion", "export")  # nobody has this face


def change_in_file(person: Person, **values: Any) -> None:
    set_consent(person, replace(cast(Consent, person.consent), **values))


@pytest.mark.parametrize(
    ("values", "use", "sentence"),
    [
        ({"recorded_at": "2025-01-01", "expires": "2026-01-01"}, "training", "--expires"),
        ({"withdrawn_at": "2026-01-01"}, "conversion", "withdrew their consent on 2026-01-01"),
        ({"uses": ("training",)}, "conversion", "--use training --use conversion"),
        ({"basis": "release"}, "export", "is for training and conversion, not for export"),
    ],
)
def test_a_consent_that_does_not_hold_is_refused_with_what_to_do(
    ada: Person, values: dict[str, Any], use: str, sentence: str
) -> None:
    require(ada, use)
    change_in_file(ada, **values)
    with pytest.raises(RefusedError) as caught:
        require(ada, use)  # the value from before: what counts is on the disk
    assert sentence in str(caught.value)
    assert "swapdeck person consent ada" in str(caught.value)
    assert "Ada" in str(caught.value)


def test_whatever_is_wrong_with_the_record_it_is_refused(workspace: Workspace, ada: Person) -> None:
    path = ada.root / "person.toml"
    whole = path.read_text()
    for text in ("", "version = ", "[" * 5000, whole.replace("version = 1", "version = 99")):
        path.write_text(text)
        with pytest.raises(RefusedError):
            require(ada, "training")
    path.write_text(whole.partition("[consent]")[0])
    with pytest.raises(RefusedError, match="no consent record for Ada"):
        require(ada, "training")
    path.unlink()
    with pytest.raises(RefusedError):
        require(ada, "training")


def test_every_change_of_a_consent_is_in_the_ledger(workspace: Workspace, ada: Person) -> None:
    change_in_file(ada, expires="2030-01-01")
    acts = [(entry.kind, entry.values["act"]) for entry in ledger.entries(workspace)]
    assert acts == [("consent", "added"), ("consent", "changed")]
    last = ledger.entries(workspace)[-1].values
    assert last["person"] == "ada" and last["consent"]["expires"] == "2030-01-01"
    assert ledger.verify(workspace).sound


def test_of_two_changes_at_once_neither_is_lost(workspace: Workspace, ada: Person) -> None:
    def slowly(before: Consent | None) -> Consent:
        inside.set()
        started.wait()
        return replace(cast(Consent, before), scope="changed")

    inside, started = threading.Event(), threading.Event()
    first = threading.Thread(target=change_consent, args=(ada, slowly))
    first.start()
    inside.wait()

    def withdraw(before: Consent | None) -> Consent:
        return replace(cast(Consent, before), withdrawn_at="2026-11-24")

    second = threading.Thread(target=change_consent, args=(ada, withdraw))
    second.start()
    started.set()
    for thread in (first, second):
        thread.join()
    found = get_person(workspace, "ada").consent
    assert found is not None
    assert (found.scope, found.withdrawn_at) == ("changed", "2026-11-24")


def test_a_document_is_kept_by_its_hash_and_a_change_of_it_is_seen(
    ada: Person, tmp_path: Path
) -> None:
    file = tmp_path / "Signed RELEASE.PDF"
    file.write_bytes(b"signed")
    digest = store_release(ada, file)
    assert store_release(ada, file) == digest == hashlib.sha256(b"signed").hexdigest()
    kept = find_release(ada, digest)
    assert kept.state == "stored" and kept.path == ada.releases_dir / f"{digest}.pdf"
    assert [entry.name for entry in ada.releases_dir.iterdir()] == [f"{digest}.pdf"]
    kept.path.write_bytes(b"forged")
    assert find_release(ada, digest).state == "damaged"
    assert store_release(ada, file) == digest
    assert find_release(ada, digest).state == "stored"
    assert find_release(ada, "0" * 64).state == "not stored"


def test_what_is_no_document_is_refused(ada: Person, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    for file in (empty, tmp_path, Path("/dev/zero")):
        with pytest.raises(CommandError):
            store_release(ada, file)
    assert not ada.releases_dir.exists() or not list(ada.releases_dir.iterdir())
