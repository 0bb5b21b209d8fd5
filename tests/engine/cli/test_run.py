"""`swapdeck run`: which jobs it makes, and what it refuses before hours of work."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.avatars.demo import demo_clips
from engine.cli.app import run
from projects import jobchain
from projects.jobs import list_jobs, read_spec
from projects.people import Person, add_person
from projects.swaps import list_swaps, new_swap
from projects.workspace import Workspace
from tests.conftest import Swapdeck

Cli = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def cli(workspace: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> Cli:
    """Runs `swapdeck run --detach --json`; its exit code and the objects on stdout. The jobs are
    made and not started."""
    monkeypatch.setattr(jobchain, "start_chain", lambda jobs: None)

    def call(*words: object) -> tuple[int, list[dict[str, Any]]]:
        code = run(
            ["--workspace", str(workspace.root), "run", *map(str, words), "--detach", "--json"]
        )
        return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return call


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return Path(shutil.copy(demo_clips().source_training, tmp_path / "clip.mp4"))


def chain(workspace: Workspace) -> list[tuple[str, str]]:
    """The jobs in their order; fails unless each waits for the one before."""
    jobs = list_jobs(workspace)[::-1]
    assert [job.after for job in jobs] == ["", *(job.id for job in jobs[:-1])]
    return [(job.verb, job.subject) for job in jobs]


def test_one_command_makes_the_whole_chain(
    cli: Cli, workspace: Workspace, ada: Person, ben: Person, clip: Path, tmp_path: Path
) -> None:
    words = ["--source", "Ada", "--target", "ben", "--source-footage", clip, "--every", 3]
    words += ["--target-footage", clip, "--target-footage", "https://example.org/talk"]
    words += ["--minutes", 5, "--device", "cpu", "-o", tmp_path / "out.mp4"]
    code, [said] = cli("Ada as Ben", clip, *words)
    assert code == 0 and said["swap"] == "ada-as-ben" and len(said["jobs"]) == 7
    assert chain(workspace) == [
        ("gather", "ada"),
        ("extract", "ada"),
        ("gather", "ben"),
        ("extract", "ben"),
        ("train", "ada-as-ben"),
        ("convert", "ada-as-ben"),
        ("report", "ada-as-ben"),
    ]
    specs = [read_spec(job) for job in list_jobs(workspace)[::-1]]
    assert specs[0]["title"] == "gather ada (1 of 7)"
    assert specs[1]["arguments"] == {"person": "ada", "every": 3}
    assert specs[2]["arguments"]["links"] == ["https://example.org/talk"]
    assert specs[4]["arguments"] == {"swap": "ada-as-ben", "minutes": 5.0, "device": "cpu"}
    assert specs[5]["arguments"]["output"] == str(tmp_path / "out.mp4")


def test_what_is_there_is_not_done_again(
    cli: Cli, workspace: Workspace, filmed: Any, ben: Person, clip: Path
) -> None:
    new_swap(workspace, None, "ada", "ben", preset="light-64", seed=1, settings={})
    code, said = cli("ada-as-ben", "--target-footage", clip, "--steps", 9, "--no-report")
    assert code == 0, said
    assert chain(workspace) == [("gather", "ben"), ("extract", "ben"), ("train", "ada-as-ben")]


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ([], 2, "--minutes, --steps or --until-plateau"),
        (["--no-until-plateau"], 2, "--minutes, --steps or --until-plateau"),
        (["--steps", "3"], 2, "There is no swap 'new' yet"),
        (["--steps", "3", "--source", "ada", "--target", "zoe"], 2, "no person called 'zoe'"),
        (["--steps", "3", "--source", "ada", "--target", "ada"], 2, "a swap needs two"),
        (["--steps", "3", "--source", "ada", "--target", "ben"], 2, "Ada has no sources yet"),
        (["--steps", "3", "--source", "ada", "--target", "cy"], 3, "Cy"),
        (["--steps", "3", "--device", "gpus"], 2, "There is no device 'gpus'"),
        (["--steps", "3", "/no/such.mp4"], 2, "There is no /no/such.mp4"),
        (["--steps", "3", "-o", "x.mp4"], 2, "Leave out --output"),
        (["--steps", "3", "--source-footage", "/no/such.mp4"], 2, "There is no"),
    ],
)
def test_what_cannot_work_is_refused_at_once_and_nothing_is_made(
    cli: Cli,
    workspace: Workspace,
    ada: Person,
    ben: Person,
    clip: Path,
    words: list[str],
    code: int,
    sentence: str,
) -> None:
    add_person(workspace, "Cy", None)
    if "--source-footage" in words:
        words = [*words, "--source", "ada", "--target", "ben"]
    if "cy" in words:
        words = [*words, "--source-footage", str(clip), "--target-footage", str(clip)]
    found, said = cli("new", *words)
    assert found == code and sentence in said[-1]["error"]
    assert list_jobs(workspace) == [] and list_swaps(workspace) == []


def test_an_output_that_is_there_is_not_found_out_after_the_training(
    cli: Cli, workspace: Workspace, clip: Path, tmp_path: Path
) -> None:
    for output in (clip, tmp_path / "no" / "out.mp4"):
        code, said = cli("new", clip, "--steps", 3, "-o", output)
        assert code == 2 and "exists already, or its folder does not" in said[-1]["error"]


def test_a_video_that_cannot_be_read_is_not_found_out_after_the_training(
    cli: Cli, workspace: Workspace, tmp_path: Path
) -> None:
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"no video at all")
    code, said = cli("new", junk, "--steps", 3)
    assert code == 1 and "cannot be read as a video" in said[-1]["error"]


def test_a_swap_is_not_made_of_others_than_its_people(
    cli: Cli, workspace: Workspace, ada: Person, ben: Person
) -> None:
    new_swap(workspace, "two", "ada", "ben", preset="light-64", seed=1, settings={})
    code, said = cli("two", "--steps", 3, "--source", "ben")
    assert code == 2 and "The source of two is ada" in said[-1]["error"]


@pytest.mark.slow
def test_a_chain_runs_to_its_end(trained: Swapdeck, short_clips: dict[str, Path]) -> None:
    output = trained.root / "out.mp4"
    trained("run", "a-as-b", short_clips["scene"], "--steps", 8, "-o", output)
    assert output.exists()
    rows = trained("jobs", "list", "--newest", 3)
    assert [(row["verb"], row["state"]) for row in rows] == [
        ("train", "done"),
        ("convert", "done"),
        ("report", "done"),
    ]
