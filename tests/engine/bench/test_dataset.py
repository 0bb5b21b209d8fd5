"""The memory of a training on many faces, measured at a small size."""

import json

import pytest

from engine.bench.dataset import run
from engine.cli.app import run as swapdeck
from projects.errors import CommandError


def test_a_small_dataset_is_streamed_and_measured():
    measured = run(60, 32, 4, limit=16.0)
    assert (measured.faces, measured.mode, measured.steps) == (60, "stream", 4)
    assert measured.crops == 60 * 42 * 42 * 6 <= measured.cached < measured.crops + 10_000
    assert 0 < measured.peak < measured.limit
    assert 0 <= measured.stall <= 1
    assert measured.rate > 0 and measured.loading > 0


def test_a_size_that_no_network_has_is_refused():
    with pytest.raises(CommandError, match="multiple of 16"):
        run(60, 40, 4)


def test_the_command_says_what_it_does_not_take(capsys):
    assert swapdeck(("bench", "dataset", "--size", "40", "--json")) == 2
    assert "multiple of 16" in json.loads(capsys.readouterr().out.splitlines()[-1])["error"]
