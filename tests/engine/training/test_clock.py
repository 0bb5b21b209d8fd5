"""What is due again, and how long the device waits for input, by a clock that is moved by hand."""

import pytest

from engine.training.clock import Clock, Stall


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


class Work:
    """An answer of the device that is ready at a time."""

    def __init__(self, clock: Hand, at: float) -> None:
        self._clock, self._at = clock, at

    def is_ready(self) -> bool:
        return self._clock.time >= self._at


@pytest.fixture
def hand() -> Hand:
    return Hand()


def give(stall: Stall, hand: Hand, seconds: float) -> None:
    """Give the device work for so many seconds."""
    stall.before_call()
    stall.called(Work(hand, hand.time + seconds))  # type: ignore[arg-type]


def test_a_device_that_always_has_work_never_waits(hand):
    stall = Stall(hand)
    for _ in range(10):
        give(stall, hand, 1.0)
        hand.time += 0.9  # the next call comes before the answer is ready
    assert stall.share == 0


def test_waiting_for_the_first_batch_counts(hand):
    stall = Stall(hand)
    hand.time += 2
    give(stall, hand, 8.0)
    hand.time += 8
    assert stall.share == pytest.approx(0.2)


def test_while_a_batch_is_waited_for_only_the_time_after_the_work_counts(hand):
    stall = Stall(hand)
    give(stall, hand, 1.0)
    while hand.time < 1.5:  # the batch takes half a second too long
        stall.look()
        hand.time += 0.01
    give(stall, hand, 1.0)
    hand.time += 0.5
    assert stall.share * 2 == pytest.approx(0.5, abs=0.021)


def test_work_of_another_kind_in_between_is_no_input(hand):
    stall = Stall(hand)
    give(stall, hand, 1.0)
    hand.time += 5  # scores are worked out
    stall.busy()
    give(stall, hand, 1.0)
    assert stall.share == 0


def test_a_slow_host_is_seen(hand):
    stall = Stall(hand)
    for _ in range(4):
        give(stall, hand, 1.0)
        hand.time += 0.95
        stall.look()
        hand.time += 1.05
    assert stall.share == pytest.approx(0.75 * 1.05 / 2, abs=0.01)


def test_something_is_due_again_only_after_its_time(hand):
    clock = Clock(0, hand)
    assert not clock.due("a", 5)
    hand.time = 5.0
    assert clock.due("a", 5)
    assert not clock.due("a", 5)
    assert clock.due("b", 5)
