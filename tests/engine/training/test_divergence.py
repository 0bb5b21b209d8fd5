"""A training that runs away is noticed and goes back to where it was sound; a jump is none."""

import math

from engine.training.divergence import RUN_AWAY, WINDOW, Watch
from projects import checkpoints
from projects.checkpoint_rows import put_away_newer
from projects.swaps import new_swap


def taken(watch: Watch, losses: list[float], begin: int = 1) -> list[str]:
    return [watch.take(step, loss) for step, loss in enumerate(losses, begin)]


def test_a_loss_that_falls_and_jumps_is_sound():
    watch = Watch()
    losses = [1 / math.sqrt(step) * (40 if step % 9 == 0 else 1) for step in range(1, 200)]
    assert not any(taken(watch, losses))
    assert watch.sound == 199 - WINDOW + 1


def test_a_loss_that_rises_for_good_has_run_away():
    watch = Watch()
    said = taken(watch, [0.1] * 50 + [0.1 * 1.1**n for n in range(40)])
    first = next(number for number, how in enumerate(said) if how)
    assert 50 + WINDOW / 2 < first < 50 + WINDOW
    assert f"{RUN_AWAY:.0f}." in said[first]
    assert watch.sound is not None and 25 < watch.sound <= 50


def test_no_number_has_run_away_at_once():
    assert "not numbers" in Watch().take(1, math.nan)
    assert "not numbers" in Watch().take(1, math.inf)


def test_after_going_back_it_is_still_compared_with_what_was_reached():
    watch = Watch()
    taken(watch, [0.1] * WINDOW)
    watch.restart()
    assert any(taken(watch, [0.5] * WINDOW, begin=10))


def test_checkpoints_from_after_the_turn_are_put_away_but_never_the_last(workspace, ada, ben):
    swap = new_swap(workspace, None, ada, ben, preset="light-64", seed=0, settings={})
    for step in (10, 20, 30):
        checkpoints.save(swap.checkpoints_dir, step, {"state.bin": b"x"})
    assert put_away_newer(workspace, swap, 5) == []
    assert len(put_away_newer(workspace, swap, 15)) == 2
    assert checkpoints.steps(swap.checkpoints_dir) == [10]
