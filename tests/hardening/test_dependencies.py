"""What swapdeck depends on is locked, listed, and reaches for no network of its own accord."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = ROOT / "tests" / "hardening" / "offline"


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / ".ci" / "licences.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_tested_is_what_is_locked(licences: ModuleType) -> None:
    assert licences.problems(licences.locked()) == []


def test_the_lock_fits_the_ranges_and_names_all_that_is_needed(licences: ModuleType) -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {licences.normal(name): version for name, version in licences.locked().items()}
    for text in (*project["dependencies"], *project["optional-dependencies"]["dev"]):
        requirement = Requirement(text)
        assert "<" in str(requirement.specifier), f"{text} has no upper bound"
        assert requirement.specifier.contains(locked[licences.normal(requirement.name)])


def test_the_licence_table_and_the_sbom_are_up_to_date(licences: ModuleType) -> None:
    names = licences.locked()
    assert (ROOT / "docs" / "licences.md").read_text() == licences.table(names)
    sbom = json.loads((ROOT / "docs" / "sbom.json").read_text())
    assert sbom == json.loads(licences.sbom(names))
    references = {one["bom-ref"] for one in sbom["components"]}
    assert len(references) == len(names)
    assert all(set(one["dependsOn"]) <= references for one in sbom["dependencies"])


def test_every_licence_is_known(licences: ModuleType) -> None:
    for name in licences.locked():
        assert licences.licence(name) not in ("not stated", "UNKNOWN", "BSD"), name


NETWORK = {"socket", "ssl", "urllib", "http", "requests", "httpx", "yt_dlp", "ddgs", "ftplib"}
PLAIN = {"urllib.parse"}  # only takes addresses apart


def test_only_gather_has_anything_to_do_with_a_network() -> None:
    users = set()
    for path in (p for top in ("engine", "projects", "tui") for p in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.split(".")[0] in NETWORK and name not in PLAIN for name in names):
                users.add(path.relative_to(ROOT).parts[:2])
    assert users <= {("engine", "gather"), ("engine", "serve")}


def test_the_blocker_blocks(tmp_path: Path) -> None:
    """Otherwise the tests that run behind it would show nothing."""
    script = (
        "import socket\n"
        "for call in (lambda: socket.create_connection(('192.0.2.1', 80), 1),\n"
        "             lambda: socket.getaddrinfo('example.org', 80)):\n"
        "    try:\n        call()\n        raise SystemExit('it was let through')\n"
        "    except PermissionError:\n        pass\n"
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(listening.getsockname()).close()\n"
    )
    log = tmp_path / "network"
    environment = {**os.environ, "PYTHONPATH": str(OFFLINE), "SWAPDECK_TEST_NETWORK": str(log)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert len(log.read_text().splitlines()) == 2


def test_the_core_works_without_a_network(trained) -> None:
    """All before it, from `person add` to `train`, ran behind the same blocker to get here."""
    trained("report", "a-as-b")
    assert not trained.network_log.exists()


def test_conversion_works_where_there_is_no_network_at_all(
    trained, short_clips, tmp_path: Path
) -> None:
    """In a network namespace of its own, which binds native libraries too."""
    alone = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], check=False).returncode:
        pytest.skip("this machine makes no network namespaces for users")
    output = tmp_path / "out.mp4"
    words = trained.command("convert", "a-as-b", short_clips["scene"], "-o", output)
    done = subprocess.run([*alone, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert output.exists()
