"""Fixtures that every package's tests share."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from projects.consent import Consent
from projects.people import Person, add_person
from projects.workspace import Workspace, open_workspace

NOBODY = 65534
_REPEATABLE = {"crf": "16", "x264-params": "mbtree=0:threads=1:lookahead-threads=1"}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled programs are shared by the tests and kept out of the user's own cache, what is
    remembered of ledgers out of the user's own state, and identities and settings out of the
    user's own configuration."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


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


class Swapdeck:
    """The command line as a user has it: real processes, in a workspace of its own, and without
    a network (see hardening/offline)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.network_log = root.with_name(f"{root.name}.network")

    @property
    def environment(self) -> dict[str, str]:
        offline = str(Path(__file__).parent / "hardening" / "offline")
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [offline, os.environ.get("PYTHONPATH")])),
            "SWAPDECK_TEST_NETWORK": str(self.network_log),
        }

    def command(self, *words: object) -> list[str]:
        base = [sys.executable, "-m", "engine", "--workspace", str(self.root), "--json"]
        return [*base, *map(str, words)]

    def __call__(self, *words: object, code: int = 0, **options: Any) -> list[dict[str, Any]]:
        """Run a verb to its end; the objects on its stdout. Fails unless it exits with `code`."""
        options.setdefault("env", self.environment)
        done = subprocess.run(self.command(*words), capture_output=True, text=True, **options)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.stderr == ""
        return [json.loads(line) for line in done.stdout.splitlines()]

    def error(self, *words: object, code: int, **options: Any) -> str:
        """Run a verb that fails with `code`; its sentence."""
        last = self(*words, code=code, **options)[-1]
        assert last["exit_code"] == code
        assert "Traceback" not in last["error"]
        return str(last["error"])

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start a verb without waiting for it."""
        return subprocess.Popen(
            self.command(*words), stdout=subprocess.PIPE, text=True, env=self.environment
        )


@pytest.fixture
def swapdeck(tmp_path: Path) -> Swapdeck:
    return Swapdeck(tmp_path / "workspace")


@pytest.fixture(scope="session")
def short_clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The first moments of the shipped clips: anna, bruno and scene, with their sound."""
    from engine.avatars.demo import demo_clips

    folder = tmp_path_factory.mktemp("clips")
    clips = demo_clips()
    chosen = {
        "anna": (clips.source_training, 16),
        "bruno": (clips.target_training, 16),
        "scene": (clips.scene, 20),
    }
    return {
        name: _shortened(clip, folder / f"{name}.mp4", frames)
        for name, (clip, frames) in chosen.items()
    }


@pytest.fixture(scope="session")
def trained_once(
    tmp_path_factory: pytest.TempPathFactory, short_clips: dict[str, Path]
) -> Swapdeck:
    """A workspace with anna, bruno and their swap at step 6; to be copied, not changed."""
    swapdeck = Swapdeck(tmp_path_factory.mktemp("trained") / "workspace")
    for person in ("anna", "bruno"):
        swapdeck("person", "add", person, "--basis", "synthetic")
        swapdeck("gather", person, short_clips[person])
        swapdeck("extract", person)
    swapdeck("swap", "new", "a as b", "--source", "anna", "--target", "bruno", "--seed", "5")
    swapdeck("train", "a-as-b", "--steps", "6")
    assert not swapdeck.network_log.exists()  # nobody tried
    return swapdeck


@pytest.fixture
def trained(trained_once: Swapdeck, tmp_path: Path) -> Swapdeck:
    """A copy of the trained workspace that a test may spoil."""
    return Swapdeck(Path(shutil.copytree(trained_once.root, tmp_path / "trained")))


@pytest.fixture(scope="session")
def good_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workspace with one of everything, made in a moment; to be copied, not changed."""
    from tests.hardening.fuzz import make_good

    root = tmp_path_factory.mktemp("good") / "workspace"
    make_good(root)
    return root


def _shortened(clip: Path, output: Path, frames: int) -> Path:
    """The first frames of a clip, encoded again, with the sound that belongs to them.

    The same pixels every time: x264's macroblock tree differs from run to run, as its answer does
    with the number of threads, and where HOG finds a face hangs on less.
    """
    import av

    faststart = {"movflags": "faststart"}
    with av.open(str(clip)) as source, av.open(str(output), "w", options=faststart) as target:
        picture, sound = source.streams.video[0], source.streams.audio[0]
        video = target.add_stream("libx264", picture.average_rate, options=_REPEATABLE)
        video.width, video.height, video.pix_fmt = picture.width, picture.height, "yuv420p"
        copied = target.add_stream_from_template(sound)
        for frame in itertools.islice(source.decode(picture), frames):
            frame.pict_type = av.video.frame.PictureType.NONE
            end = float(frame.time or 0.0)
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        source.seek(0)
        for packet in source.demux(sound):
            if packet.dts is None or float(packet.dts * packet.time_base) > end:
                continue
            packet.stream = copied
            target.mux(packet)
    return output
