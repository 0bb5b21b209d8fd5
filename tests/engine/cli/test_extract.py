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


def test_every_option_reaches_the_search(
    ada, workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine import verbs
    from engine.cli import extract as verb
    from engine.faces import extract as engine_extract
    from engine.reporting import NullReporter
    from projects.sources import add_source

    picture, model = tmp_path / "a.jpg", tmp_path / "m.dat"
    for path in (picture, model):
        path.write_bytes(path.name.encode())
    add_source(ada, picture, "image", "made")
    asked: list[engine_extract.ExtractSettings] = []

    def extract_person(person, settings, reporter):  # type: ignore[no-untyped-def]
        asked.append(settings)
        return engine_extract.ExtractResult(0, 0, 0, 0, {}, (), 0.0)

    def run_job(session, place, name, slug, arguments, *, detach):  # type: ignore[no-untyped-def]
        verbs.run(workspace, name, arguments, NullReporter())
        return type("Outcome", (), {"results": ()})

    monkeypatch.setattr(engine_extract, "extract_person", extract_person)
    monkeypatch.setattr(verb, "run_job", run_job)
    monkeypatch.chdir(tmp_path)
    words = """
        --every 5 --range 1:20..2:05 --max-faces 3 --min-size 60 --min-sharpness 1.5 --upsample 1
        --detector mmod:m.dat --rotate 270 --like a.jpg --not-like a.jpg --forget --again
        --workers 2 --landmark-model m.dat
    """
    assert run(["--workspace", str(workspace.root), "extract", "ada", *words.split()]) == 0
    assert asked == [
        engine_extract.ExtractSettings(
            every=5,
            begin=80.0,
            end=125.0,
            max_faces=3,
            min_size=60,
            min_sharpness=1.5,
            upsample=1,
            detector=f"mmod:{model}",
            rotate=270,
            like=(picture,),
            not_like=(picture,),
            forget=True,
            again=True,
            workers=2,
            landmark_model=model,
        )
    ]
    assert run(["--workspace", str(workspace.root), "extract", "ada"]) == 0
    assert asked[1] == engine_extract.ExtractSettings()
