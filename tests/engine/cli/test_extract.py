"""The extract verb's options, before any job starts."""

from pathlib import Path

import click
import pytest

from engine.cli.app import run
from engine.cli.options import span


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1:20..2:05", (80, 125)), ("..90", (None, 90)), ("0:30..", (30, None)), (" 1 .. 2 ", (1, 2))],
)
def test_a_range_is_two_moments_or_one(text: str, seconds: tuple[float, float]) -> None:
    assert span(text) == seconds


@pytest.mark.parametrize("text", ["", "..", "1:20", "2..1", "a..b", "1..2..3", "5..5"])
def test_anything_else_is_no_range(text: str) -> None:
    with pytest.raises(click.BadParameter):
        span(text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--range", "2:05..1:20"], "ends before it begins"),
        (["--detector", "haar"], "There is no detector 'haar'"),
        (["--detector", "yunet:none.onnx"], "There is no detector at none.onnx"),
        (["--rotate", "45"], "'45' is not one of '0', '90', '180', '270'"),
        (["--like", "nobody.jpg"], "'nobody.jpg' does not exist"),
        (["--max-faces", "0"], "0 is not in the range"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(
    ada, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    from projects.sources import add_source

    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"not looked at")
    add_source(ada, clip, "video", "made")
    workspace = str(ada.root.parent.parent)
    assert run(["--workspace", workspace, "extract", "ada", *words]) == 2
    assert said in capsys.readouterr().err
