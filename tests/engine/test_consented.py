"""Work stops as soon as a consent does not hold any more, and the ledger tells how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Self, cast

import pytest

from engine.consented import ConsentEndedError, consented, training_in_ledger
from engine.reporting import CollectingReporter
from engine.worker import explain
from projects import ledger
from projects.bases import new_base
from projects.consent import Consent
from projects.errors import RefusedError, StopRequested, SwapdeckError
from projects.jobs import create_job
from projects.people import Person, add_person, remove_person, set_consent
from projects.swaps import Swap, new_swap
from projects.workspace import Workspace


@pytest.fixture
def swap(workspace: Workspace, ada: Person, ben: Person) -> Swap:
    return new_swap(workspace, None, ada, ben, preset="light-64", seed=1, settings={})


def change(person: Person, **values: object) -> None:
    set_consent(person, replace(cast(Consent, person.consent), **values))


def training(workspace: Workspace) -> list[dict[str, object]]:
    return [entry.values for entry in ledger.entries(workspace) if entry.kind == "training"]


def test_a_withdrawal_ends_the_work_at_its_next_step(
    workspace: Workspace, swap: Swap, ben: Person
) -> None:
    reporter = CollectingReporter()
    watched = consented(workspace, swap, "training", reporter)
    for _ in range(3):
        watched.check()
    change(ben, scope="something else")
    watched.check()  # any other change is no reason to stop
    change(ben, withdrawn_at="2026-11-24")
    with pytest.raises(ConsentEndedError, match="Ben withdrew") as caught:
        watched.check()
    assert isinstance(caught.value, StopRequested), "so that the work saves first"
    job = create_job(workspace, "train", swap.slug, {})
    assert explain(caught.value, job)[0] == 3
    with pytest.raises(RefusedError):
        consented(workspace, swap, "training", reporter)


class TwoHoursLater(datetime):
    @classmethod
    def now(cls, zone: tzinfo | None = None) -> Self:
        return super().now(zone) + timedelta(hours=2)


def test_a_consent_that_expires_meanwhile_ends_the_work(
    workspace: Workspace, swap: Swap, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    change(ada, expires=soon, recorded_at="2026-01-01")
    watched = consented(workspace, swap, "training", CollectingReporter())
    watched.check()
    for module in ("engine.consented", "projects.consent"):
        monkeypatch.setattr(f"{module}.datetime", TwoHoursLater)
    with pytest.raises(ConsentEndedError, match="expired"):
        watched.check()


def test_a_record_that_is_spoilt_or_gone_ends_the_work(
    workspace: Workspace, swap: Swap, ada: Person, ben: Person
) -> None:
    watched = consented(workspace, swap, "conversion", CollectingReporter())
    record = ada.root / "person.toml"
    whole = record.read_text()
    record.write_text("version = 1\n")
    with pytest.raises(ConsentEndedError, match="Ada"):
        watched.check()
    record.write_text(whole)
    watched = consented(workspace, swap, "conversion", CollectingReporter())
    remove_person(workspace, ben)
    with pytest.raises(ConsentEndedError, match="Ben"):
        watched.check()
    with pytest.raises(RefusedError, match="'ben', of whom there is no consent record"):
        consented(workspace, swap, "conversion", CollectingReporter())


def test_somebody_added_later_under_the_same_name_lends_no_consent(
    workspace: Workspace, swap: Swap, ben: Person
) -> None:
    remove_person(workspace, ben)
    later = add_person(workspace, "Ben", ben.consent)
    record = later.root / "person.toml"
    record.write_text(record.read_text().replace(later.created, "2999-01-01T00:00:00+00:00"))
    with pytest.raises(RefusedError, match="somebody of that name"):
        consented(workspace, swap, "conversion", CollectingReporter())


def test_a_request_to_stop_is_still_one(workspace: Workspace, swap: Swap) -> None:
    watched = consented(workspace, swap, "training", CollectingReporter(stop=lambda: True))
    with pytest.raises(StopRequested) as caught:
        watched.check()
    assert caught.value.exit_code == 130


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (None, "done"),
        (StopRequested("Stopped."), "stopped"),
        (ConsentEndedError("Withdrawn."), "refused"),
        (SwapdeckError("The disk is full."), "failed"),
        (KeyError("fault"), "failed"),
    ],
)
def test_the_ledger_has_the_start_and_the_end_of_a_training(
    workspace: Workspace, swap: Swap, error: Exception | None, how: str
) -> None:
    def work() -> None:
        with training_in_ledger(workspace, swap, steps=9, minutes=None):
            if error is not None:
                raise error

    if error is None:
        work()
    else:
        with pytest.raises(type(error)):
            work()
    start, end = training(workspace)
    assert (start["act"], start["people"], start["steps"]) == ("started", ["ada", "ben"], 9)
    assert (end["act"], end["how"], end["step"]) == ("ended", how, 0)
    assert (start["swap"], end["datasets"]) == (swap.slug, {})


def test_the_training_of_a_base_is_in_the_ledger_too(workspace: Workspace, ada: Person) -> None:
    base = new_base(workspace, "Crew", preset="x", seed=1, people=["ada"], crowd=4, steps=9)
    with pytest.raises(SwapdeckError), training_in_ledger(workspace, base, steps=9):
        raise SwapdeckError("The disk is full.")
    start, end = training(workspace)
    assert (start["act"], start["base"], start["people"]) == ("started", "crew", ["ada"])
    assert (end["how"], end["reason"], "datasets" in end) == ("failed", "The disk is full.", False)
