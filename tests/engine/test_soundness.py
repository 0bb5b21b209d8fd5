"""The doctor finds what is wrong with a workspace, changes nothing, and says what mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.doctor import Check
from engine.soundness import examine_workspace
from projects import ledger
from projects.faces import FaceIndex
from projects.jobs import EventLog, create_job, holding_lock, record_processes
from projects.workspace import Workspace, open_workspace

CHECKPOINT = "swaps/ada-as-ben/checkpoints/00000004"


@pytest.fixture
def root(good_workspace: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good_workspace, tmp_path / "workspace"))


def found(root: Path) -> dict[str, Check]:
    return {check.name: check for check in examine_workspace(root)}


def test_a_sound_workspace_is_good(root: Path) -> None:
    ledger.append(open_workspace(root), "test")
    assert {check.state for check in found(root).values()} == {"good"}
    assert found(root)["faces"].found == "10 faces"


def change(name: str) -> Callable[[Path], None]:
    def act(root: Path) -> None:
        path = root / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.write_bytes(data)

    return act


def remove(pattern: str) -> Callable[[Path], None]:
    return lambda root: next(iter(sorted(root.glob(pattern)))).unlink()


def orphan(root: Path) -> None:
    shutil.rmtree(root / "people" / "ben")


def temporary(root: Path) -> None:
    (root / "people" / "ada" / ".tmp-01234567-1-01234567.png").touch()


def set_aside(root: Path) -> None:
    (root / CHECKPOINT).rename((root / CHECKPOINT).with_name("00000004.old"))


def missing_index_rows(root: Path) -> None:
    with FaceIndex(root / "people" / "ada" / "faces.sqlite") as index:
        index._query("UPDATE faces SET crop = 'gone.png' WHERE id = 1")


def killed_job(root: Path) -> None:
    """A job whose processes are gone without a word."""
    job = create_job(open_workspace(root), "train", "ada-as-ben", {})
    with holding_lock(job) as descriptor:
        assert descriptor is not None
        record_processes(job, descriptor, None)


def forged(root: Path) -> None:
    workspace = open_workspace(root)
    ledger.append(workspace, "test", file="a")
    ledger.append(workspace, "test", file="b")
    path = root / ledger.NAME
    path.write_text(path.read_text().replace('"a"', '"x"'))


@pytest.mark.parametrize(
    ("harm", "name", "state"),
    [
        (remove("people/ada/person.toml"), "people", "broken"),
        (remove("people/ada/sources/*.png"), "sources", "broken"),
        (lambda root: (next((root / "people/ada/sources").glob("*.png"))).write_bytes(b"x"),
         "sources", "broken"),
        (remove("people/ada/faces/*.png"), "faces", "broken"),
        (missing_index_rows, "faces", "broken"),
        (lambda root: (root / "people/ada/faces.sqlite").write_bytes(b"x" * 5000), "faces",
         "broken"),
        (remove("swaps/*/swap.toml"), "swaps", "broken"),
        (orphan, "swaps", "broken"),
        (change(f"{CHECKPOINT}/state.safetensors"), "checkpoints", "broken"),
        (change(f"{CHECKPOINT}/config.json"), "checkpoints", "broken"),
        (remove(f"{CHECKPOINT}/manifest.json"), "checkpoints", "broken"),
        (change("swaps/ada-as-ben/checkpoints/00000002/state.safetensors"), "checkpoints",
         "doubtful"),
        (remove("jobs/*/spec.json"), "jobs", "broken"),
        (killed_job, "jobs", "doubtful"),
        (forged, "ledger", "broken"),
        (temporary, "leftovers", "doubtful"),
        (set_aside, "leftovers", "doubtful"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    root: Path, harm: Callable[[Path], None], name: str, state: str
) -> None:
    harm(root)
    before = sorted((path, os.lstat(path).st_mtime_ns) for path in root.rglob("*"))
    check = found(root)[name]
    assert check.state == state, check
    assert check.found and check.mend
    assert sorted((path, os.lstat(path).st_mtime_ns) for path in root.rglob("*")) == before


def test_a_workspace_that_is_none_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert [check.state for check in examine_workspace(tmp_path)] == ["broken"]


def test_looking_at_a_workspace_imports_nothing_heavy(root: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from engine.soundness import examine_workspace\n"
        "list(examine_workspace(Path(sys.argv[1])))\n"
        "sys.stdout.write(' '.join({'jax', 'cv2', 'av', 'textual'} & sys.modules.keys()))\n"
    )
    command = [sys.executable, "-c", script, str(root)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def test_jobs_that_need_somebody_are_named_with_what_to_do(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = create_job(workspace, "train", "a-as-b", {})
    check = {check.name: check for check in examine_workspace(workspace.root)}["jobs"]
    assert check.state == "doubtful"
    assert f"{forgotten.id} was never started; end it with: swapdeck jobs stop" in check.found
    assert "swapdeck jobs adopt" in check.mend and "swapdeck jobs retry" in check.mend
    with holding_lock(forgotten) as descriptor:
        assert descriptor is not None
        record_processes(forgotten, descriptor, os.getpid())
        EventLog(forgotten).emit("started", title="train")
        assert {c.name: c for c in examine_workspace(workspace.root)}["jobs"].state == "good"
        monkeypatch.setattr("projects.jobstate.SILENT_AFTER", -1.0)
        check = {check.name: check for check in examine_workspace(workspace.root)}["jobs"]
        assert f"{forgotten.id} runs, but nothing was heard of it for" in check.found
