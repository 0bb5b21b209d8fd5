"""How many steps a call to an accelerator makes."""

import pytest

from engine.training.dispatch import DISPATCH_SECONDS, MOST, steps_that_fill


def test_a_call_takes_about_half_a_second():
    for seconds in (0.001, 0.0123, 0.05, 0.2):
        assert DISPATCH_SECONDS / 1.5 < steps_that_fill(seconds) * seconds < DISPATCH_SECONDS * 1.5


def test_steps_that_are_nearly_as_long_make_the_same_call():
    assert steps_that_fill(0.030) == steps_that_fill(0.032) == 16


@pytest.mark.parametrize("seconds, steps", [(10.0, 1), (1e-6, MOST), (0.0, MOST)])
def test_it_is_one_at_least_and_bounded(seconds, steps):
    assert steps_that_fill(seconds) == steps
