"""`swapdeck cache` shows and clears what is kept."""

import json

from engine.cli.app import run
from projects import cache


def test_what_is_kept_is_shown_and_cleared(workspace, capsys):
    cache.store(workspace, "faces", "a" * 40, bytes(2000))
    cache.store(workspace, "chips", "b" * 40, bytes(3000))
    where = ("--workspace", str(workspace.root))
    assert run(("cache", "show", *where, "--json")) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["kind"], row["entries"]) for row in rows] == [
        ("faces", 1),
        ("chips", 1),
        ("segments", 0),
        ("crops", 0),
    ]
    assert run(("cache", "clear", "chips", *where)) == 0
    assert "1 entry deleted, 3.0 KB" in capsys.readouterr().out
    assert cache.load(workspace, "faces", "a" * 40) == bytes(2000)
    assert run(("cache", "clear", *where)) == 0
    assert cache.load(workspace, "faces", "a" * 40) is None
    assert run(("cache", "clear", "everything", *where)) == 2
