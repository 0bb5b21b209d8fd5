from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from projects.consent import Consent
from projects.errors import CommandError, DamagedError, NewerVersionError, SwapdeckError
from projects.people import Person, add_person, get_person, list_people, set_consent
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


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('name = "Ada"', "name = 3", "'name': it must be a text"),
        ('basis = "synthetic"', 'basis = "sure"', "not a basis of consent"),
        ('scope = "tests of swapdeck"\n', "", "'scope' is missing"),
        ("[consent]", "[other]", "'consent'"),
    ],
)
def test_a_hand_edit_that_went_wrong_names_the_file_and_the_field(
    workspace: Workspace, ada: Person, before: str, after: str, sentence: str
) -> None:
    path = ada.root / "person.toml"
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(DamagedError, match=sentence) as caught:
        get_person(workspace, "ada")
    assert str(path) in str(caught.value)


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
    withdrawn = replace(consent, withdrawn_at="2026-11-24")
    assert "withdrawn" in withdrawn.problem(datetime(2026, 11, 25, tzinfo=UTC))
    assert consent.problem() == ""
