"""Whether a logout ends jobs, read from the files that systemd-logind reads."""

from pathlib import Path

import pytest

from engine import doctor
from engine.loginsession import Logout, at_logout, warning

LOGIND = "etc/systemd/logind.conf"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"[Login]\n{text}\n")


@pytest.mark.parametrize(
    ("files", "kills"),
    [
        ({}, False),
        ({LOGIND: "#KillUserProcesses=yes"}, False),
        ({LOGIND: "KillUserProcesses=yes"}, True),
        ({LOGIND: " KillUserProcesses = on "}, True),
        ({LOGIND: "KillUserProcesses=yes\nKillUserProcesses=no"}, False),
        ({LOGIND: "KillUserProcesses=yes\nKillOnlyUsers=ben cy"}, False),
        ({LOGIND: "KillUserProcesses=yes\nKillOnlyUsers=ben ada"}, True),
        ({LOGIND: "KillUserProcesses=yes\nKillExcludeUsers=root ada"}, False),
        ({"usr/lib/systemd/logind.conf": "KillUserProcesses=yes"}, True),
        ({"usr/lib/systemd/logind.conf": "KillUserProcesses=yes", LOGIND: ""}, False),
        ({LOGIND: "", f"{LOGIND}.d/50-kill.conf": "KillUserProcesses=yes"}, True),
        (
            {
                "usr/lib/systemd/logind.conf.d/50.conf": "KillUserProcesses=yes",
                "etc/systemd/logind.conf.d/50.conf": "",  # takes the place of the other
            },
            False,
        ),
        (
            {
                "etc/systemd/logind.conf.d/10.conf": "KillUserProcesses=yes",
                "run/systemd/logind.conf.d/20.conf": "KillUserProcesses=no",
            },
            False,
        ),
    ],
)
def test_the_last_setting_that_counts_decides(
    tmp_path: Path, files: dict[str, str], kills: bool
) -> None:
    write(tmp_path, **files)
    assert at_logout("ada", tmp_path) == Logout(kills, lingers=False)


def test_a_user_may_linger(tmp_path: Path) -> None:
    write(tmp_path, **{LOGIND: "KillUserProcesses=yes", "var/lib/systemd/linger/ada": ""})
    assert at_logout("ada", tmp_path) == Logout(kills=True, lingers=True)
    assert at_logout("root", tmp_path).kills is False


@pytest.mark.parametrize(
    ("group", "setting", "warned"),
    [
        ("user.slice/user-1000.slice/session-3.scope", "KillUserProcesses=yes", True),
        ("user.slice/user-1000.slice/session-3.scope", "KillUserProcesses=no", False),
        (
            "user.slice/user-1000.slice/user@1000.service/run-7.scope",
            "KillUserProcesses=yes",
            False,
        ),
        ("", "KillUserProcesses=yes", False),
    ],
)
def test_who_starts_a_job_that_a_logout_would_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str, setting: str, warned: bool
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    write(tmp_path, **{LOGIND: setting, "proc/self/cgroup": f"0::/{group}"})
    assert ("swapdeck doctor" in warning(tmp_path)) is warned


@pytest.mark.parametrize("lingers", [True, False])
def test_the_doctor_says_how_jobs_outlive_such_a_logout(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lingers: bool
) -> None:
    monkeypatch.setattr(doctor, "at_logout", lambda: Logout(True, lingers))
    monkeypatch.setattr(doctor, "FIND_DEVICES", 'print(\'[["cpu", "cpu"]]\')')
    found = {check.name: check for check in doctor.examine(tmp_path / "none")}["session"]
    assert found.state == "doubtful" and "KillUserProcesses" in found.found
    assert "systemd-run --user --scope swapdeck train" in found.mend
    assert ("loginctl enable-linger" in found.mend) is not lingers
