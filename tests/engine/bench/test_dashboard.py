"""`bench tui` measures the real dashboard, and says of each figure whether it meets its target."""

from __future__ import annotations

import pytest

from engine.bench import dashboard
from engine.bench.dashboard import Figure, run


def test_every_target_is_measured_through_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboard, "_STARTED", 0.5)
    told: list[str] = []
    figures = run(rounds=1, keys=4, faces=200, seconds=1.0, tell=told.append)
    kinds = {figure.what: figure for figure in figures}
    for what, unit in (
        ("first paint", "ms"),
        ("idle, of one processor", "%"),
        ("idle, to the terminal", "kB/s"),
        ("watching a training, to the terminal", "kB/s"),
        ("key to paint in a gallery of 200", "ms"),
        ("key to paint in a list, every processor busy", "ms"),
    ):
        assert kinds[what].unit == unit
        assert kinds[what].value >= 0
    assert kinds["watching a training, to the terminal"].value > 0
    assert len(told) == 5


def test_a_figure_is_met_below_its_target_only() -> None:
    assert Figure("x", 49.9, "ms", 50).met
    assert not Figure("x", 50.0, "ms", 50).met
