"""A configuration folder of its own for every test, and a small signed video."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.avatars import clips
from engine.credentials.identity import Signing, signing
from engine.credentials.manifest import Statement, sign
from projects.workspace import Workspace

SCENE = Path(clips.__file__).parent / "clips" / "bruno-scene.mp4"


@pytest.fixture(autouse=True)
def configuration(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "config"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


@dataclass(frozen=True)
class Signed:
    file: Path
    source: Path
    signing: Signing


@pytest.fixture
def statement() -> Statement:
    return Statement("ada-as-ben", 7, "deadbe01", (("a" * 32, "synthetic"), ("b" * 32, "self")))


@pytest.fixture
def signed(tmp_path: Path, workspace: Workspace, statement: Statement) -> Signed:
    file = tmp_path / "result.mp4"
    shutil.copy(SCENE, file)
    identity = signing(workspace)
    sign(file, file, SCENE, statement, identity)
    return Signed(file, SCENE, identity)
