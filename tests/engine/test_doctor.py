"""The machine's check."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from engine import doctor
from engine.credentials import identity
from projects.workspace import Workspace


def named(workspace: Path) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine(workspace)}


@pytest.fixture(autouse=True)
def configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(autouse=True)
def quick_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX takes seconds to start; one test asks the real one."""
    monkeypatch.setattr(doctor, "FIND_DEVICES", 'print(\'[["cpu", "cpu"]]\')')


def test_a_sound_machine_and_workspace_are_good(workspace: Workspace) -> None:
    found = named(workspace.root)
    assert {found[name].state for name in ("python", "packages", "codecs", "models")} == {"good"}
    assert found["workspace"].state == "good"
    assert all(check.mend for check in found.values() if check.state != "good")


def test_a_damaged_workspace_is_broken_and_says_what_to_mend(workspace: Workspace) -> None:
    (workspace.root / "swapdeck.toml").write_text("version = [")
    found = named(workspace.root)["workspace"]
    assert found.state == "broken"
    assert "swapdeck.toml" in found.found


def test_a_device_that_hangs_or_crashes_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "FIND_DEVICES", "import sys; sys.exit('the driver is too old')")
    crashed = named(tmp_path / "ws")["devices"]
    assert (crashed.state, "driver is too old" in crashed.found) == ("broken", True)
    monkeypatch.setattr(doctor, "FIND_DEVICES", "import time; time.sleep(600)")
    monkeypatch.setattr(doctor, "DEVICE_TIMEOUT", 0.2)
    assert "did not answer" in named(tmp_path / "ws")["devices"].found


def test_a_full_disk_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "NO_SPACE", float("inf"))
    assert named(tmp_path / "ws")["disk"].state == "broken"


def test_a_workspace_without_an_identity_is_good_and_gets_none_by_looking(
    workspace: Workspace,
) -> None:
    assert named(workspace.root)["identity"].state == "good"
    assert not identity.identities_folder().exists()


def test_no_workspace_has_no_identity_to_check(tmp_path: Path) -> None:
    assert "identity" not in named(tmp_path / "ws")


def test_a_good_identity_says_until_when(workspace: Workspace) -> None:
    ends = identity.signing(workspace).ends
    found = named(workspace.root)["identity"]
    assert (found.state, f"{ends:%Y-%m-%d}" in found.found) == ("good", True)


@pytest.mark.parametrize(
    ("valid", "state", "words"),
    [
        (timedelta(days=30), "doubtful", "ends on"),
        (timedelta(seconds=1), "broken", "has expired"),  # it begins five minutes ago
    ],
)
def test_an_identity_near_or_past_its_end_says_how_to_get_a_new_one(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, valid: timedelta, state: str, words: str
) -> None:
    monkeypatch.setattr(identity, "VALID", valid)
    folder = identity.identity_folder(workspace)
    identity.write_identity(folder, identity.new_identity(), replace=True)
    check = named(workspace.root)["identity"]
    assert check.state == state
    assert words in check.mend
    assert "swapdeck identity own" in check.mend


def test_a_key_that_others_may_read_is_broken(workspace: Workspace) -> None:
    identity.signing(workspace)
    key = identity.identity_folder(workspace) / identity.KEY
    key.chmod(0o644)
    found = named(workspace.root)["identity"]
    assert (found.state, f"chmod 600 {key}" in found.mend) == ("broken", True)


def test_an_identity_that_cannot_be_read_is_broken(workspace: Workspace) -> None:
    identity.signing(workspace)
    (identity.identity_folder(workspace) / identity.CHAIN).write_text("nothing")
    found = named(workspace.root)["identity"]
    assert (found.state, "swapdeck identity own" in found.mend) == ("broken", True)


def test_the_verb_exits_with_1_when_something_needed_is_broken(workspace: Workspace) -> None:
    (workspace.root / "swapdeck.toml").write_text("version = [")
    command = [sys.executable, "-m", "engine", "doctor", "--json", "--workspace"]
    done = subprocess.run([*command, str(workspace.root)], capture_output=True, text=True)
    assert done.returncode == 1
    checks = {check["name"]: check for check in map(json.loads, done.stdout.splitlines())}
    assert checks["workspace"]["state"] == "broken"
    assert checks["devices"]["state"] == "good"
