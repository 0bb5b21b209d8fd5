"""The curve of losses over rates, and the rate that it suggests."""

import math

import pytest

from engine.cli.swap_rate import BAR, ROWS, curve_rows
from engine.training.ratefinder import curve_of, smoothed

RATES = [1e-6 * 10 ** (number / 20) for number in range(100)]


def test_a_tenth_of_the_rate_where_the_loss_is_lowest_is_suggested():
    valley = [0.2 + 0.1 * abs(math.log10(rate / 1e-3)) for rate in RATES]
    curve = curve_of(RATES, valley)
    assert 1e-4 < curve.suggested < 5e-4  # smoothing sees the turn late


def test_a_loss_that_is_no_number_ends_the_curve():
    curve = curve_of(RATES[:3], [1.0, 0.9, math.nan])
    assert len(curve.rates) == len(curve.losses) == 2
    assert curve.suggested == pytest.approx(RATES[1] / 10, rel=0.05)


def test_the_running_mean_begins_with_the_first_loss():
    assert smoothed([2.0, 2.0, 2.0]) == pytest.approx([2.0, 2.0, 2.0])


def test_the_curve_is_shown_in_a_few_rows_with_the_suggestion_marked():
    losses = [0.5] * 60 + [0.5 * 1.2**number for number in range(40)]
    rows = curve_rows(RATES, losses, RATES[40])
    assert len(rows) == ROWS
    assert rows[0]["rate"] == "1.0e-06"
    assert sum("suggested" in row["bar"] for row in rows) == 1
    assert rows[-1]["bar"] == "█" * BAR + "…"
    assert curve_rows([], [], 1e-4) == []
