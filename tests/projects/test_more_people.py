"""Swaps of more than two people, and of people whose faces were in what a model began with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from projects.consent import Consent
from projects.errors import CommandError, DamagedError, RefusedError
from projects.merging import plan_merge
from projects.people import Person, add_person, get_person, set_consent
from projects.starts import Start
from projects.swaps import (
    Swap,
    get_swap,
    list_swaps,
    new_swap,
    people_of,
    replace_person,
    require_consent,
    swaps_of,
)
from projects.traces import erase, made_from
from projects.workspace import Workspace

CONSENT = Consent("synthetic", "tests of swapdeck", "the tests", "2026-11-23T10:00:00+00:00")


@pytest.fixture
def eve(workspace: Workspace, consent: Consent) -> Person:
    return add_person(workspace, "Eve", consent)


@pytest.fixture
def crowd(workspace: Workspace, ada: Person, ben: Person, eve: Person) -> Swap:
    """Ada on Ben with Eve; it began with a model of Tom's face, and of Ada's."""
    tom = add_person(workspace, "Tom", CONSENT)
    start = Start("before", 900, "5" * 64, (tom.slug, "ada"))
    return new_swap(
        workspace, "crowd", ada, ben, preset="x", seed=1, settings={}, others=[eve], start=start
    )


def test_more_people_are_kept_with_their_roles(workspace: Workspace, crowd: Swap) -> None:
    assert get_swap(workspace, "crowd") == crowd
    assert crowd.roles == {"source": "ada", "target": "ben", "also-1": "eve"}
    assert crowd.people == ("ada", "ben", "eve", "tom")
    assert [person.slug for person in people_of(workspace, crowd)] == list(crowd.people)
    for slug in crowd.people:
        assert swaps_of(workspace, get_person(workspace, slug)) == [crowd]


def test_a_swap_from_before_has_two_people(workspace: Workspace, ada: Person, ben: Person) -> None:
    swap = new_swap(workspace, None, ada, ben, preset="x", seed=1, settings={})
    path = swap.root / "swap.toml"
    path.write_text(path.read_text().replace("version = 2", "version = 1"))
    assert get_swap(workspace, "ada-as-ben") == swap
    assert (swap.others, swap.start, swap.people) == ((), None, ("ada", "ben"))


@pytest.mark.parametrize("twice", ["ada", "ben", "eve"])
def test_nobody_is_in_a_swap_twice(
    workspace: Workspace, ada: Person, ben: Person, eve: Person, twice: str
) -> None:
    with pytest.raises(CommandError, match="is in this swap twice"):
        new_swap(workspace, None, ada, ben, preset="x", seed=1, settings={}, others=["eve", twice])
    assert list_swaps(workspace) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('others = ["eve"]', 'others = "eve"'),
        ('others = ["eve"]', "others = [3]"),
        ('people = ["tom", "ada"]', 'people = "tom"'),
        ('from = "before"', "from = 3"),
    ],
)
def test_a_swap_that_does_not_tell_whose_faces_it_holds_is_damaged(
    workspace: Workspace, crowd: Swap, right: str, wrong: str
) -> None:
    path = crowd.root / "swap.toml"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong))
    with pytest.raises(DamagedError, match=r"swap\.toml has no valid"):
        get_swap(workspace, "crowd")


def test_a_merged_person_is_replaced_in_every_place(workspace: Workspace, crowd: Swap) -> None:
    for old, new in (("eve", "eva"), ("tom", "tim"), ("ada", "ida")):
        crowd = replace_person(crowd, old, new)
    assert get_swap(workspace, "crowd") == crowd
    assert crowd.people == ("ida", "ben", "eva", "tim")
    assert crowd.roles["also-1"] == "eva"


def test_who_only_shares_the_encoder_has_to_agree_to_the_training_alone(
    workspace: Workspace, crowd: Swap, eve: Person
) -> None:
    set_consent(eve, replace(CONSENT, uses=("training",)))
    for use in ("training", "conversion"):
        require_consent(workspace, crowd, use)
    with pytest.raises(RefusedError, match="Eve is for training, not for export"):
        require_consent(workspace, crowd, "export")
    set_consent(eve, replace(CONSENT, withdrawn_at="2026-11-28T10:00:00+00:00"))
    for use in ("training", "conversion", "export"):
        with pytest.raises(RefusedError, match="Eve withdrew"):
            require_consent(workspace, crowd, use)


def test_whose_decoder_a_model_began_with_has_to_agree_to_what_is_shown(
    workspace: Workspace, crowd: Swap
) -> None:
    tom = get_person(workspace, "tom")
    set_consent(tom, replace(CONSENT, uses=("training",)))
    require_consent(workspace, crowd, "training")
    with pytest.raises(RefusedError, match="Tom is for training, not for conversion"):
        require_consent(workspace, crowd, "conversion")


@pytest.mark.parametrize("who", ["eve", "tom"])
def test_erasing_anybody_erases_the_model_with_their_face(
    workspace: Workspace, crowd: Swap, who: str
) -> None:
    person = get_person(workspace, who)
    found = made_from(workspace, person)
    assert found.swaps == ("crowd",)
    erase(workspace, person, found)
    assert not crowd.root.exists() and get_person(workspace, "ada")


def test_two_who_are_trained_in_one_swap_are_not_merged(
    workspace: Workspace, crowd: Swap, ada: Person, eve: Person
) -> None:
    with pytest.raises(CommandError, match="trains both of them"):
        plan_merge(workspace, ada, eve)
    assert plan_merge(workspace, ada, get_person(workspace, "tom")).swaps == (crowd,)
