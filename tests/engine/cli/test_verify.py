"""`verify`: what was done to a result, told in words, in JSON and by the exit code."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
import pytest

from engine.cli.app import run
from engine.credentials.identity import identities_folder, signing
from engine.credentials.manifest import Statement, sign
from engine.credentials.watermark import Watermark
from engine.media import open_frames
from engine.media.pictures import save_png
from projects import ledger
from projects.files import sha256_file
from projects.workspace import Workspace, open_workspace
from tests.engine.credentials.conftest import SCENE
from tests.engine.credentials.dated import FUTURE, PAST, TODAY, issue, sign_dated

IDENTIFIER = "0badcafe"
FRAMES = 24


class Said(NamedTuple):
    code: int
    text: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


Cli = Callable[..., Said]


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def cli(workspace: Workspace, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Runs `verify` in the workspace; everything it wrote."""

    def call(*words: object) -> Said:
        capfd.readouterr()
        code = run(["--workspace", str(workspace.root), "verify", *map(str, words)])
        printed = capfd.readouterr()
        return Said(code, printed.out + printed.err)

    return call


@pytest.fixture(scope="session")
def marked_frames() -> list[np.ndarray]:
    """The first frames of a scene, watermarked."""
    mark = Watermark(IDENTIFIER)
    with open_frames(SCENE) as reader:
        return [mark.apply(frame.image) for frame, _ in zip(reader, range(FRAMES), strict=False)]


@pytest.fixture(scope="session")
def encoded(marked_frames: list[np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("marked") / "marked.mp4"
    encode(marked_frames, path, crf=18)
    return path


@pytest.fixture
def result(workspace: Workspace, encoded: Path, tmp_path: Path) -> Path:
    """A marked, signed and recorded video."""
    path = tmp_path / "result.mp4"
    shutil.copy(encoded, path)
    sign(path, path, SCENE, statement(), signing(workspace))
    record(workspace, path)
    return path


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    return noise(tmp_path / "photograph.jpg")


def statement() -> Statement:
    return Statement("a" * 32, 7, IDENTIFIER, (("b" * 32, "self"),))


def record(workspace: Workspace, path: Path) -> None:
    ledger.append(
        workspace,
        "output",
        file=str(path),
        sha256=sha256_file(path),
        watermark=IDENTIFIER,
        swap="ada-as-ben",
        people=[],
    )


def noise(path: Path) -> Path:
    """A picture that is too small for a watermark, so that none is looked for."""
    picture = np.random.default_rng(0).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    cv2.imwrite(str(path), picture)
    return path


def encode(images: list[np.ndarray], path: Path, crf: int) -> None:
    options = {"crf": str(crf), "preset": "veryfast"}
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", 25, options=options)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in images:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        target.mux(stream.encode(None))


def remux(source: Path, path: Path) -> None:
    with av.open(str(source)) as old, av.open(str(path), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)


def frames_of(path: Path) -> list[np.ndarray]:
    with open_frames(path) as reader:
        return [frame.image for frame in reader]


def trusted_root() -> Any:
    root = issue("root", authority=True, dates=(PAST[0], TODAY[1]))
    folder = identities_folder() / "trusted"
    folder.mkdir(parents=True)
    (folder / "root.pem").write_text(root.pem)
    return root


def test_an_untouched_result_is_trusted_and_known(cli: Cli, result: Path) -> None:
    said = cli(result)
    assert said.code == 0
    assert said.text.startswith("✓ ")
    assert "signed by somebody this computer trusts" in said.text
    assert "synthetic: composed with a trained model" in said.text
    assert f"watermark was found: {IDENTIFIER}" in said.text
    assert "This is the very file of entry 1 in this workspace's ledger." in said.text


def test_a_program_is_told_the_same(cli: Cli, result: Path) -> None:
    said = cli(result, "--json")
    [found] = said.lines
    assert said.code == found["exit_code"] == 0
    assert found["file"] == str(result)
    assert found["credentials"] == "trusted" and found["synthetic"] is True
    assert found["says"]["identifier"] == found["watermark"]["identifier"] == IDENTIFIER
    assert found["watermark"]["confidence"] > 1 and found["watermark"]["frames"] == FRAMES
    assert found["entry"]["sequence"] == 1 and found["entry"]["swap"] == "ada-as-ben"
    assert found["same_file"] is True
    assert found["problems"] == []


def test_one_changed_bit_is_tampering(cli: Cli, result: Path) -> None:
    data = bytearray(result.read_bytes())
    data[-len(data) // 3] ^= 1
    result.write_bytes(data)
    said = cli(result, "--json")
    [found] = said.lines
    assert said.code == found["exit_code"] == 1
    assert found["credentials"] == "tampered"
    assert found["problems"]
    assert found["same_file"] is False  # its watermark still leads to the entry


def test_a_remuxed_result_keeps_the_watermark_alone(cli: Cli, result: Path, tmp_path: Path) -> None:
    remux(result, tmp_path / "remuxed.mp4")
    said = cli(tmp_path / "remuxed.mp4", "--json")
    [found] = said.lines
    assert said.code == 5
    assert found["credentials"] == "missing"
    assert found["watermark"]["identifier"] == IDENTIFIER
    assert found["same_file"] is False


def test_a_result_encoded_again_keeps_the_watermark_alone(
    cli: Cli, result: Path, tmp_path: Path
) -> None:
    encode(frames_of(result), tmp_path / "again.mp4", crf=23)
    said = cli(tmp_path / "again.mp4")
    assert said.code == 5
    assert f"watermark was found: {IDENTIFIER}" in said.text
    assert "This is another file of the same result as entry 1" in said.text


def test_a_screenshot_in_a_window_is_still_known(
    cli: Cli, workspace: Workspace, marked_frames: list[np.ndarray], tmp_path: Path
) -> None:
    ledger.append(workspace, "output", file="x", watermark=IDENTIFIER, sha256="0" * 64, people=[])
    frame = cv2.resize(marked_frames[0], None, fx=1.5, fy=1.5, interpolation=cv2.INTER_LINEAR)
    window = cv2.copyMakeBorder(frame, 28, 2, 2, 2, cv2.BORDER_CONSTANT, value=(220, 220, 225))
    save_png(tmp_path / "screenshot.png", window)
    said = cli(tmp_path / "screenshot.png", "--json")
    [found] = said.lines
    assert said.code == 5
    assert found["credentials"] == "missing"
    assert found["watermark"] is not None and found["watermark"]["identifier"] == IDENTIFIER
    assert found["entry"]["sequence"] == 1 and found["same_file"] is False


def test_somebody_elses_key_is_valid_but_unknown(
    cli: Cli, photograph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "stranger"))
        theirs = signing(open_workspace(tmp_path / "theirs", create=True))
        sign(photograph, photograph, photograph, statement(), theirs)
    said = cli(photograph)
    assert said.code == 4
    assert said.text.startswith("? ")
    assert "does not know who signed them" in said.text


def test_an_expired_certificate_is_said_to_be_one(cli: Cli, photograph: Path) -> None:
    sign_dated(photograph, trusted_root(), PAST)
    said = cli(photograph, "--json")
    assert said.code == 6
    assert said.lines[0]["credentials"] == "expired"


def test_a_clock_that_was_set_back_is_named_as_the_reason(cli: Cli, photograph: Path) -> None:
    sign_dated(photograph, trusted_root(), FUTURE)
    said = cli(photograph)
    assert said.code == 6
    assert said.text.startswith("! ")
    assert "Check the clock" in said.text


def test_of_several_files_the_worst_counts(
    cli: Cli, workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    root = trusted_root()
    unmarked, sound, expired, broken = (
        noise(tmp_path / f"{name}.jpg") for name in ("unmarked", "sound", "expired", "broken")
    )
    for path in (sound, broken):
        sign(path, path, photograph, statement(), signing(workspace))
    sign_dated(expired, root, PAST)
    data = bytearray(broken.read_bytes())
    data[-50] ^= 1
    broken.write_bytes(data)
    said = cli(sound, expired, "--json")
    assert [line["exit_code"] for line in said.lines] == [0, 6]
    assert said.code == 6
    assert cli(unmarked, expired, sound).code == 5
    said = cli(broken, unmarked, sound, "--json")
    assert [line["credentials"] for line in said.lines] == ["tampered", "missing", "trusted"]
    assert said.code == 1


def test_of_a_folder_every_picture_is_looked_at(
    cli: Cli, workspace: Workspace, photograph: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "result"
    folder.mkdir()
    for number in (1, 2, 10):
        path = noise(folder / f"{number}.png")
        sign(path, path, photograph, statement(), signing(workspace))
    said = cli(folder, "--json")
    assert said.code == 0
    assert [Path(line["file"]).name for line in said.lines] == ["1.png", "2.png", "10.png"]
    noise(folder / "3.png")
    assert cli(folder).code == 5


def test_quiet_says_it_by_the_exit_code_alone(cli: Cli, photograph: Path) -> None:
    assert cli(photograph, "--quiet") == Said(5, "")


def test_what_is_not_there_is_a_sentence(cli: Cli, tmp_path: Path) -> None:
    said = cli(tmp_path / "nowhere.mp4")
    assert said.code == 2
    assert "There is no file" in said.text
    (tmp_path / "empty").mkdir()
    said = cli(tmp_path / "empty")
    assert said.code != 0
    assert "holds no pictures" in said.text


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_no_escape_sequence_of_a_file_name_reaches_the_terminal(
    cli: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    hostile = noise(tmp_path / "plain.png").rename(tmp_path / "\x1b]0;owned\x07\x9b31m\u202e.png")
    for path in (hostile, tmp_path / "\x1b[2Jgone.png"):
        said = cli(path, *words)
        assert said.code in (2, 5)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said.text)
        assert ".png" in said.text


def test_the_help_names_every_exit_code(cli: Cli) -> None:
    said = cli("--help")
    assert said.code == 0
    for code in (0, 1, 4, 5, 6):
        assert f" {code}: " in " ".join(said.text.split())
