"""`swapdeck compare`: a picture and a table of trainings, from real files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.cli.app import run
from engine.media.pictures import read_picture, save_png
from engine.report.comparison import comparison_picture
from projects.consent import Consent
from projects.jobs import create_job
from projects.people import add_person
from projects.runs import begin_run, read_training
from projects.swaps import Swap, new_swap
from projects.texts import append_line
from projects.workspace import Workspace, open_workspace

CONSENT = Consent("synthetic", "any use", "tests", "2026-11-01")
Cli = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    made = open_workspace(tmp_path / "ws", create=True)
    for name in ("Ada", "Ben", "Cy"):
        add_person(made, name, CONSENT)
    return made


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes a second; what is not about the picture goes without."""
    monkeypatch.setattr("engine.report.comparison.comparison_picture", lambda _: b"a picture")


@pytest.fixture
def cli(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `compare` with --json; its exit code and the objects on stdout."""

    def call(*words: str) -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        code = run(["--workspace", str(ws.root), "compare", *words, "--json"])
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


def made(ws: Workspace, source: str, target: str, **settings: Any) -> Swap:
    return new_swap(ws, None, source, target, preset="light-64", seed=1, settings=settings)


def trained(swap: Swap, first: int, last: int, *, best: float = 0.4, rate: float = 10.0) -> int:
    """A run of the swap from one step to another; its number."""
    prints = {"source": "1" * 64, "target": swap.target * 10}
    number = begin_run(swap, first, 0.0, prints, "cpu")
    for step in range(first + 10, last + 1, 10):
        row = {"step": step, "loss": 5 / step, "losses": {"source": 3 / step, "target": 2 / step}}
        fared = {"rate": rate, "stall": 0.01, "memory": 10**9 + step, "run": number}
        append_line(swap.history_path, {**row, **fared, "seconds": (step - first) / rate, "at": 1})
    middle = (first + last) // 20 * 10
    for step, value in ((middle, best), (last, best - 0.1)):
        row = {"step": step, "value": value, "identity": 0.5, "landmarks": 0.1}
        row |= {"ssim": {"source": 0.8, "target": 0.7}, "run": number}
        append_line(swap.root / "scores.jsonl", {**row, "seconds": (step - first) / rate})
    picture = np.full((60, 100, 3), 90, np.uint8)
    save_png(swap.previews_dir / f"{last:08d}.png", picture)
    return number


def test_two_swaps_are_compared_in_a_table_and_a_picture(ws: Workspace, cli: Cli) -> None:
    one, other = made(ws, "ada", "ben"), made(ws, "ada", "cy", learning_rate=0.001)
    trained(one, 0, 200)
    trained(other, 0, 100, best=0.5, rate=20.0)
    code, [left, right, differs, picture] = cli("ada-as-ben", "ada-as-cy")
    assert code == 0
    assert (left["step"], left["seconds"], left["steps_per_second"]) == (200, 20.0, 10.0)
    assert (left["memory"], left["stall"], left["running"]) == (10**9 + 200, 0.01, False)
    assert (right["best_score"], right["best_step"], right["best_seconds"]) == (0.5, 50, 2.5)
    assert right["best_parts"]["ssim.source"] == 0.8
    assert differs["settings"] == {"learning_rate": [0.002, 0.001]}
    assert list(differs["faces"]) == []  # what swap.toml says: nothing yet
    drawn = read_picture(Path(picture["picture"]))
    assert Path(picture["picture"]) == one.results_dir / "compare-ada-as-cy.png"
    assert drawn.shape[0] > 1000 and drawn.std() > 10


@pytest.mark.usefixtures("undrawn")
def test_the_runs_of_one_swap_are_compared(ws: Workspace, cli: Cli) -> None:
    swap = made(ws, "ada", "ben")
    assert [trained(swap, 0, 100), trained(swap, 100, 300)] == [1, 2]
    code, [first, second, _, picture] = cli("ada-as-ben")
    assert code == 0
    assert [first["swap"], second["swap"]] == ["ada-as-ben:1", "ada-as-ben:2"]
    assert [first["seconds"], second["seconds"]] == [10.0, 20.0]
    assert [first["best_step"], second["best_step"]] == [50, 200]
    assert Path(picture["picture"]).name == "compare-run-1-ada-as-ben-run-2.png"
    assert cli("ada-as-ben:1", "ada-as-ben:2")[0] == 0


@pytest.mark.usefixtures("undrawn")
def test_settings_and_faces_of_a_run_are_those_it_began_with(ws: Workspace, cli: Cli) -> None:
    from projects.swaps import update_swap

    swap = made(ws, "ada", "ben")
    trained(swap, 0, 100)
    swap = update_swap(swap, settings={"batch": 8})
    begin_run(swap, 100, 0.0, {"source": "2" * 64, "target": "b"}, "gpu")
    append_line(swap.history_path, {"step": 110, "loss": 0.1, "run": 2, "seconds": 1.0})
    _, [first, second, differs, _] = cli("ada-as-ben")
    assert differs["settings"] == {"batch": [16, 8]}
    assert differs["faces"]["source"] == ["1" * 64, "2" * 64]
    assert [first["device"], second["device"]] == ["cpu", "gpu"]


@pytest.mark.usefixtures("undrawn")
def test_a_swap_alone_with_one_run_asks_for_another(ws: Workspace, cli: Cli) -> None:
    trained(made(ws, "ada", "ben"), 0, 100)
    code, [said] = cli("ada-as-ben")
    assert code == 2 and "has 1 run. Name another swap" in said["error"]
    code, [said] = cli("ada-as-ben", "ada-as-ben:7")
    assert code == 2 and "has no run 7. There is: ada-as-ben:1" in said["error"]


@pytest.mark.usefixtures("undrawn")
def test_a_swap_without_a_history_is_compared_by_its_settings(ws: Workspace, cli: Cli) -> None:
    """As one is that was imported."""
    trained(made(ws, "ada", "ben"), 0, 100)
    made(ws, "ada", "cy", batch=8)
    code, [_, empty, differs, _] = cli("ada-as-ben", "ada-as-cy")
    assert code == 0
    assert empty["step"] is None and empty["best_score"] is None
    assert differs["settings"] == {"batch": [16, 8]}


def test_swaps_that_were_never_trained_have_nothing_to_draw(ws: Workspace, cli: Cli) -> None:
    made(ws, "ada", "ben")
    made(ws, "ada", "cy")
    code, [*_, said] = cli("ada-as-ben", "ada-as-cy")
    assert code == 1
    assert "nothing to draw: ada-as-ben, ada-as-cy have no history" in said["error"]


@pytest.mark.usefixtures("undrawn")
def test_a_damaged_log_costs_its_own_lines_only(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = made(ws, "ada", "ben"), made(ws, "ada", "cy")
    trained(one, 0, 100)
    trained(other, 0, 100)
    with one.history_path.open("ab") as file:
        file.write(b'{"step": 1\n{"loss": 1e999}\n{"step": true}\n{"step": 110, "loss": NaN}\n')
    assert run(["--workspace", str(ws.root), "compare", "ada-as-ben", "ada-as-cy"]) == 0
    said = capsys.readouterr().out
    assert "3 lines of ada-as-ben's history.jsonl cannot be read and are left out." in said
    assert "to step 110" in said


def test_what_a_log_says_cannot_spoil_the_picture(ws: Workspace) -> None:
    swap = made(ws, "ada", "ben")
    for step in (1, 2, 10**30):
        losses = {"$\\frac{": 0.1 * step, **{f"part {n}": 0.1 for n in range(50)}}
        append_line(swap.history_path, {"step": step, "loss": 10.0**300, "losses": losses})
        append_line(swap.history_path, {"step": step, "losses": losses, "rate": True})
    (swap.previews_dir / "00000002.png").write_bytes(b"no picture")
    found = read_training(swap)
    assert found.lost == {"history.jsonl": 2}
    assert comparison_picture([found]).startswith(b"\x89PNG")


@pytest.mark.usefixtures("undrawn")
def test_a_log_of_nothing_but_damage_is_said_and_the_others_are_shown(
    ws: Workspace, cli: Cli
) -> None:
    one, other = made(ws, "ada", "ben"), made(ws, "ada", "cy")
    trained(one, 0, 100)
    other.history_path.write_bytes(b"\x00\xff\x00\n" * 5)
    code, [left, _, picture, said] = cli("ada-as-ben", "ada-as-cy")
    assert code == 1
    assert left["swap"] == "ada-as-ben" and Path(picture["picture"]).is_file()
    assert "none of its 5 lines can be read" in said["error"]
    code, [said] = cli("ada-as-cy")
    assert code == 1 and "damaged" in said["error"]


@pytest.mark.usefixtures("undrawn")
def test_a_training_that_runs_is_compared_and_marked(
    ws: Workspace, cli: Cli, tmp_path: Path
) -> None:
    one, other = made(ws, "ada", "ben"), made(ws, "ada", "cy")
    trained(one, 0, 100)
    trained(other, 0, 100)
    create_job(ws, "train", one.slug, {})
    with one.history_path.open("ab") as file:
        file.write(b'{"step": 110, "lo')  # a line that is being written
    picture = tmp_path / "beside.png"
    code, [left, right, _, said] = cli("ada-as-ben", "ada-as-cy", "-o", str(picture))
    assert code == 0
    assert [left["running"], right["running"]] == [True, False]
    assert said["picture"] == str(picture) and picture.is_file()


@pytest.mark.usefixtures("undrawn")
def test_histories_without_run_numbers_are_split_where_the_clock_falls(
    ws: Workspace, cli: Cli
) -> None:
    swap = made(ws, "ada", "ben")
    for step, seconds in ((10, 1.0), (20, 2.0), (30, 1.5), (40, 3.0)):
        append_line(swap.history_path, {"step": step, "loss": 1 / step, "seconds": seconds})
    append_line(swap.root / "scores.jsonl", {"step": 35, "value": 0.3, "seconds": 2.0})
    code, [first, second, _, _] = cli("ada-as-ben")
    assert code == 0
    assert [first["seconds"], second["seconds"]] == [2.0, 3.0]
    assert [first["best_score"], second["best_step"]] == [None, 35]
    made(ws, "ada", "cy")
    _, [whole, *_] = cli("ada-as-ben", "ada-as-cy")
    assert (whole["seconds"], whole["best_seconds"]) == (5.0, 4.0)


@pytest.mark.usefixtures("undrawn")
def test_the_table_says_what_differs_and_who_is_best(
    ws: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = made(ws, "ada", "ben"), made(ws, "ada", "cy", masked=False)
    trained(one, 0, 200)
    trained(other, 0, 100, best=0.5)
    assert run(["--workspace", str(ws.root), "compare", "ada-as-ben", "ada-as-cy"]) == 0
    said = capsys.readouterr().out
    for line in (
        r"people              ada → ben",
        r"best score          0.4000",
        r"masked              yes",
        "The best held-out score is ada-as-cy's: 0.5000 at step 50, after 5.0 s.",
    ):
        assert line in said
