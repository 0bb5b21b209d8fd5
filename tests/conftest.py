"""Fixtures that every package's tests share."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from projects.consent import Consent
from projects.people import Person, add_person
from projects.workspace import Workspace, open_workspace

NOBODY = 65534


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return open_workspace(tmp_path / "workspace", create=True)


@pytest.fixture
def consent() -> Consent:
    """A complete consent record for a rendered person."""
    return Consent(
        basis="synthetic",
        scope="tests of swapdeck",
        recorded_by="the tests",
        recorded_at="2026-11-23T10:00:00+00:00",
    )


@pytest.fixture
def ada(workspace: Workspace, consent: Consent) -> Person:
    return add_person(workspace, "Ada", consent)


@pytest.fixture
def ben(workspace: Workspace, consent: Consent) -> Person:
    return add_person(workspace, "Ben", consent)


@pytest.fixture
def user_folder() -> Iterator[Path]:
    """A folder whose path and owner an ordinary user can work with, also when root runs this."""
    folder = Path(tempfile.mkdtemp(prefix="swapdeck-test-"))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def as_user() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A context manager in which permissions count, because root lends itself to nobody."""

    @contextlib.contextmanager
    def ordinary() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        group = os.getresgid()
        os.setresgid(NOBODY, NOBODY, 0)
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)
            os.setresgid(*group)

    return ordinary
