"""The quick verbs: people, faces, swaps, in this process; exit codes and JSON lines."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.cli.app import run
from projects import checkpoints
from projects.rates import remember_rate

Cli = Callable[..., tuple[int, list[dict[str, Any]]]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a verb with --json; its exit code and the objects on stdout."""

    def call(*words: str) -> tuple[int, list[dict[str, Any]]]:
        capsys.readouterr()
        code = run(["--workspace", str(tmp_path / "ws"), *words, "--json"])
        printed = capsys.readouterr()
        assert printed.err == ""
        return code, [json.loads(line) for line in printed.out.splitlines()]

    return call


def test_a_person_is_added_listed_and_shown(cli: Cli) -> None:
    assert cli("person", "add", "Ada L", "--basis", "self")[0] == 0
    code, rows = cli("person", "list")
    assert code == 0
    assert [(row["person"], row["name"], row["basis"]) for row in rows] == [
        ("ada-l", "Ada L", "self")
    ]
    _, [shown] = cli("person", "show", "Ada L")
    assert shown["consent"]["scope"] == "any use"
    assert shown["files"] == []


def test_one_damaged_person_hides_nobody_else(cli: Cli, tmp_path: Path) -> None:
    for name in ("Ada", "Ben", "Cy"):
        cli("person", "add", name, "--basis", "self")
    (tmp_path / "ws" / "people" / "ben" / "person.toml").write_text("name = [")
    code, rows = cli("person", "list")
    assert code == 1
    assert [row.get("person") for row in rows] == ["ada", "cy", None]
    assert "person.toml" in rows[-1]["error"]


def test_two_people_cannot_have_one_name(cli: Cli) -> None:
    cli("person", "add", "Ada", "--basis", "self")
    code, [said] = cli("person", "add", "ADA", "--basis", "self")
    assert code == 2
    assert said["exit_code"] == 2
    assert "already a person called 'Ada'" in said["error"]


def test_a_person_is_renamed_and_merged(cli: Cli) -> None:
    for name in ("Ada", "Ada too", "Ben"):
        cli("person", "add", name, "--basis", "self")
    code, [renamed] = cli("person", "rename", "ada", "Grace")
    assert (code, renamed["person"], renamed["name"]) == (0, "ada", "Grace")
    assert cli("person", "rename", "Grace", "Ben")[0] == 2
    code, [said] = cli("person", "merge", "Grace", "ada-too")
    assert code == 2
    assert "the same human being? Say so with --yes" in said["error"]
    code, [merged] = cli("person", "merge", "Grace", "ada-too", "--yes")
    assert (code, merged["person"], merged["merged"]) == (0, "ada", "ada-too")
    assert [row["name"] for row in cli("person", "list")[1]] == ["Grace", "Ben"]


def test_a_release_needs_a_scope_and_other_an_explanation(cli: Cli) -> None:
    assert cli("person", "add", "Ben", "--basis", "release")[0] == 2
    assert cli("person", "add", "Ben", "--basis", "other", "--scope", "film")[0] == 2
    assert (
        cli(
            *("person", "add", "Ben", "--basis", "other", "--scope", "film"),
            *("--explanation", "public domain"),
        )[0]
        == 0
    )


def test_consent_is_changed_and_withdrawn(cli: Cli, tmp_path: Path) -> None:
    cli("person", "add", "Ben", "--basis", "release", "--scope", "film")
    release = tmp_path / "release.pdf"
    release.write_bytes(b"signed")
    _, [said] = cli(
        "person", "consent", "ben", "--document", str(release), "--expires", "2099-01-01"
    )
    assert said["expires"] == "2099-01-01"
    assert len(said["document"]) == 64
    assert cli("person", "consent", "ben", "--withdraw")[1][0]["withdrawn_at"]


def test_a_name_that_leads_out_of_the_workspace_is_refused(cli: Cli, tmp_path: Path) -> None:
    cli("person", "add", "Ada", "--basis", "self")
    code, [said] = cli("person", "add", "../../outside", "--basis", "self")
    assert code == 2
    assert "exit_code" in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["ws"]


def test_removing_asks_first_and_goes_to_the_trash(cli: Cli) -> None:
    cli("person", "add", "Ada", "--basis", "self")
    code, [said] = cli("person", "remove", "ada")
    assert code == 2
    assert "--yes" in said["error"]
    code, [said] = cli("person", "remove", "ada", "--yes")
    assert code == 0
    assert (Path(said["trash"]) / "person.toml").exists()
    assert cli("person", "list") == (0, [])


def test_a_swap_needs_two_known_people(cli: Cli) -> None:
    cli("person", "add", "Ada", "--basis", "self")
    assert cli("swap", "new", "x", "--source", "ada", "--target", "ada")[0] == 2
    assert cli("swap", "new", "x", "--source", "ada", "--target", "nobody")[0] == 2
    cli("person", "add", "Ben", "--basis", "self")
    code, [made] = cli("swap", "new", "Ada as Ben", "--source", "ada", "--target", "ben")
    assert code == 0
    assert (made["swap"], made["preset"], made["step"]) == ("ada-as-ben", "light-64", 0)
    assert cli("swap", "list")[1] == [made]
    assert cli("swap", "show", "ada-as-ben")[1][0]["checkpoints"] == []
    assert cli("swap", "remove", "ada-as-ben", "--yes")[0] == 0


def test_a_swap_is_made_of_more_people(cli: Cli) -> None:
    for name in ("Ada", "Ben", "Eve", "Tom"):
        cli("person", "add", name, "--basis", "self")
    pair = ("swap", "new", "x", "--source", "ada", "--target", "ben", "--also", "eve", "--also")
    code, [said] = cli(*pair, "Eve")
    assert (code, "'Eve' is in this swap twice" in said["error"]) == (2, True)
    code, [made] = cli(*pair, "tom")
    assert (code, made["others"]) == (0, "eve, tom")
    assert cli("swap", "show", "x")[1][0]["others"] == "eve, tom"
    cli("person", "consent", "tom", "--withdraw")
    for words in (("train", "x"), ("convert", "x", __file__), ("swap", "export", "x", "out")):
        code, said = cli(*words)
        assert (code, "Tom withdrew" in said[-1]["error"]) == (3, True)
    code, [said] = cli("swap", "new", "y", "--source", "eve", "--target", "ben", "--from", "x")
    assert (code, "Tom withdrew" in said["error"]) == (3, True)


def test_faces_without_a_verb_lists_them(cli: Cli) -> None:
    cli("person", "add", "Ada", "--basis", "self")
    assert cli("faces", "ada") == (0, [])
    assert cli("faces", "list", "ada") == (0, [])
    code, [said] = cli("faces", "reject", "ada", "7")
    assert code == 2
    assert "no face 7" in said["error"]


def test_what_does_not_exist_is_a_wrong_command(cli: Cli) -> None:
    assert cli("person", "list")[0] == 2
    cli("person", "add", "Ada", "--basis", "self")
    assert cli("frobnicate")[0] == 2
    assert cli("train", "nothing")[0] == 2
    assert cli("extract", "nobody")[0] == 2
    assert cli("extract", "ada")[0] == 2
    assert cli("gather", "ada", "/nowhere/at/all.mp4")[0] == 2
    assert cli("jobs", "stop", "nothing")[0] == 2
    assert cli("jobs", "list") == (0, [])


def test_the_shared_options_stand_before_or_after_the_verb(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ws = str(tmp_path / "ws")
    assert run(["person", "--workspace", ws, "add", "Ada", "--basis", "self", "--quiet"]) == 0
    assert capsys.readouterr().out == ""
    assert run(["--json", "person", "list", "--workspace", ws]) == 0
    assert json.loads(capsys.readouterr().out)["person"] == "ada"


def test_an_error_is_a_sentence_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--workspace", str(tmp_path / "none"), "person", "list"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("swapdeck: There is no workspace at ")
    assert printed.err.count("\n") == 1


def two_people(cli: Cli) -> None:
    for name in ("Ada", "Ben"):
        cli("person", "add", name, "--basis", "self")


def test_a_swap_is_made_with_settings_and_changed_later(cli: Cli) -> None:
    two_people(cli)
    new = ("swap", "new", "one", "--source", "ada", "--target", "ben")
    assert cli(*new, "--set", "batch=8", "--set", "losses.edges=0.5")[0] == 0
    assert cli("swap", "show", "one")[1][0]["settings"] == {"batch": 8, "losses": {"edges": 0.5}}
    code, [changed] = cli("swap", "set", "one", "batch=", "masked=no", "--rename", "The One")
    assert (code, changed["name"]) == (0, "The One")
    assert changed["settings"] == {"losses": {"edges": 0.5}, "masked": False}
    _, listed = cli("swap", "set", "one")
    values = {row["name"]: (row["value"], row["set"]) for row in listed}
    assert values["masked"] == ("no", "set")
    assert values["batch"] == ("16", "")


def test_a_setting_that_cannot_be_makes_no_swap(cli: Cli) -> None:
    two_people(cli)
    new = ("swap", "new", "one", "--source", "ada", "--target", "ben")
    code, [said] = cli(*new, "--set", "batch=0")
    assert code == 2 and "1 to 1024 chips" in said["error"]
    assert cli("swap", "list") == (0, [])


def test_presets_say_what_they_need_and_a_rate_only_once_measured(cli: Cli) -> None:
    remember_rate("light-64", 16, 12.345, "cpu", "bench")
    code, rows = cli("swap", "presets")
    assert code == 0
    rates = {row["preset"]: row["rate"] for row in rows}
    assert rates["light-64"] == 12.35 or rates["light-64"] == 12.34
    assert rates["classic-64"] is None
    assert all(row["memory"] > 0 and row["purpose"] for row in rows)


def test_checkpoints_are_listed_used_and_gone_back_to(cli: Cli, tmp_path: Path) -> None:
    two_people(cli)
    cli("swap", "new", "one", "--source", "ada", "--target", "ben")
    folder = tmp_path / "ws" / "swaps" / "one" / "checkpoints"
    for step in (10, 20, 30):
        checkpoints.save(folder, step, {"state.safetensors": b"weights"})
    checkpoints.mark_best(folder, 20, 0.5)
    _, rows = cli("swap", "checkpoints", "one")
    assert [(row["step"], row["marks"]) for row in rows] == [
        (30, "newest"), (20, "best, used"), (10, ""),
    ]  # fmt: skip
    assert cli("swap", "use", "one", "10")[1][0]["used"] == 10
    assert cli("swap", "use", "one", "--best")[1][0]["used"] == 20
    assert cli("swap", "use", "one")[0] == 2
    assert cli("swap", "use", "one", "15")[0] == 2
    assert cli("swap", "restore", "one", "10", "--yes")[0] == 0
    assert checkpoints.steps(folder) == [10]
    assert cli("swap", "restore", "one", "10", "--yes")[0] == 2
