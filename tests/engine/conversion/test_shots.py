"""Settings that change by range of frames, through the pipeline that makes the picture."""

import numpy as np
import pytest

from engine.conversion.convert import located_parts
from engine.conversion.parts import Part
from engine.conversion.search import search
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import swapped_frames
from engine.conversion.verb import Request, convert_inputs
from engine.media import EncodeSettings, open_frames
from engine.reporting import NullReporter
from projects.errors import CommandError
from projects.shots import Shot

PLAIN = ConvertSettings(colour="none", encode=EncodeSettings(crf=4, preset="ultrafast"))


@pytest.fixture
def footage(discs):
    return discs([[("ben", 100.0 + 2 * i, 120.0)] for i in range(24)])


def pictures(footage, role, model, eyes, settings):
    parts = [Part(role, model)]
    located = located_parts(search(footage, eyes, NullReporter()), parts, settings)
    with open_frames(footage) as frames:
        return [f.image for f in swapped_frames(frames, located.faces, parts, settings)]


def test_a_shot_changes_its_frames_and_no_others(footage, eyes, ben_as_target, green):
    shots = (Shot(8, 15, (("opacity", 0.0),)), Shot(20, None, (("mask", "hull"),)))
    plain = pictures(footage, ben_as_target, green, eyes, PLAIN)
    changed = pictures(
        footage, ben_as_target, green, eyes, ConvertSettings(**{**vars(PLAIN), "shots": shots})
    )
    with open_frames(footage) as frames:
        before = [frame.image for frame in frames]
    for index, (was, now, original) in enumerate(zip(plain, changed, before, strict=True)):
        assert (was != original).any()
        assert np.array_equal(now, original if 8 <= index <= 15 else was)


def test_what_a_shot_asks_of_the_model_is_known_beforehand(footage, eyes, ben_as_target, green):
    base = ConvertSettings(**{**vars(PLAIN), "occlusion": False})
    without = pictures(footage, ben_as_target, green, eyes, base)
    asked = len(green.batches)
    light = (Shot(4, 5, (("colour", "light"),)),)
    pictures(footage, ben_as_target, green, eyes, ConvertSettings(**{**vars(base), "shots": light}))
    assert len(green.batches) == asked + 2 * asked
    assert len(without) == 24


def test_a_wrong_file_of_shots_is_found_before_anything_is_done(tmp_path, footage):
    from types import SimpleNamespace

    (tmp_path / "shots.toml").write_text("version = 1\n[[shot]]\nopacity = 7\n")
    swap = SimpleNamespace(root=tmp_path, results_dir=tmp_path)
    with pytest.raises(CommandError, match="Opacity cannot be '7'"):
        convert_inputs(None, swap, Request(inputs=(footage,)), NullReporter())
