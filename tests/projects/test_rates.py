"""How fast this machine trains is remembered for this machine, this preset and this batch only."""

from __future__ import annotations

import json
import platform
from pathlib import Path

import pytest

from projects.rates import known_rate, remember_rate


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "swapdeck" / "rates.json"


def test_what_was_never_measured_is_not_known() -> None:
    assert known_rate("light-64", 16) is None
    remember_rate("light-64", 16, 3.5, "cpu", "bench")
    assert known_rate("light-64", 8) is None
    assert known_rate("classic-64", 16) is None


def test_the_newest_figure_stands() -> None:
    remember_rate("light-64", 16, 3.5, "cpu", "bench")
    remember_rate("light-64", 16, 4.5, "cpu", "training")
    rate = known_rate("light-64", 16)
    assert rate is not None
    assert (rate.steps_per_second, rate.measured_by, rate.device) == (4.5, "training", "cpu")


def test_another_machine_that_shares_the_home_folder_is_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remember_rate("light-64", 16, 3.5, "cpu", "bench")
    monkeypatch.setattr(platform, "node", lambda: "elsewhere")
    assert known_rate("light-64", 16) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"version": 9, "rates": []}', '{"version": 1, "rates": [3, {}]}',
        '{"version": 1, "rates": [{"preset": "light-64", "batch": 16, "steps_per_second": "x"}]}',
    ],
)  # fmt: skip
def test_a_damaged_file_is_as_if_nothing_were_known(cache: Path, text: str) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_text(text)
    assert known_rate("light-64", 16) is None
    remember_rate("light-64", 16, 3.5, "cpu", "bench")
    assert known_rate("light-64", 16) is not None
    assert len(json.loads(cache.read_text())["rates"]) == 1


def test_what_cannot_be_written_or_is_no_rate_does_no_harm(cache: Path) -> None:
    cache.parent.parent.write_text("a file where the folder should be")
    remember_rate("light-64", 16, 3.5, "cpu", "bench")
    remember_rate("light-64", 16, float("nan"), "cpu", "bench")
    assert known_rate("light-64", 16) is None
