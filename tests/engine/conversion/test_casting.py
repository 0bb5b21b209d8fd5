"""Everybody who is cast gets the model that was meant, and nobody else is touched."""

import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from engine.conversion.casting import (
    ASKED,
    CARRIED,
    CAST,
    EITHER,
    OTHER,
    SURE,
    UNSURE,
    Role,
    cast,
    confidence,
)
from engine.conversion.convert import NoTargetError, convert, located_parts
from engine.conversion.followed import with_motion
from engine.conversion.parts import Part
from engine.conversion.preview import close_up, preview
from engine.conversion.search import search
from engine.conversion.settings import ConvertSettings
from engine.conversion.swap import swapped_frames
from engine.conversion.swapper import Swapper
from engine.conversion.tracklist import FILE, list_tracks
from engine.conversion.tracks import Seen, Track
from engine.faces.identity import IDENTITY_THRESHOLD
from engine.faces.template import TEMPLATE
from engine.media import EncodeSettings, open_frames
from engine.media.pictures import read_picture
from engine.reporting import CollectingReporter, NullReporter
from projects import files
from projects.errors import CommandError
from tests.engine.conversion.conftest import identity

PLAIN = ConvertSettings(colour="none", encode=EncodeSettings(crf=4, preset="ultrafast"))
BEN, STRANGER = Role("ben", "Ben", identity("ben")), Role("tom", "Tom", identity("stranger"))


def track(number, frames, embedding, x=100.0, looks=None):
    """A head at one place, which looks like `embedding` in all its looks."""
    frames = np.array(frames, np.int64)
    points = np.repeat(((TEMPLATE - 0.5) * 100 + [x, 100.0])[None], len(frames), 0)
    looked = frames[:: max(1, len(frames) // len(looks or [0]))][: len(looks or [0])]
    return Track(
        number,
        frames,
        points.astype(np.float32),
        np.ones(len(frames), np.float32),
        looked,
        np.stack(looks or [embedding]).astype(np.float32),
    )


def at(distance, of=BEN):
    """An embedding at a distance from somebody's."""
    aside = np.zeros(128, np.float32)
    aside[100] = distance
    return of.identity + aside


def fates(*tracks, roles=(BEN,), cuts=(), sure=SURE):
    return cast(Seen(100, tracks, tuple(cuts)), roles, sure)


def test_confidence_falls_from_the_certain_to_the_impossible():
    assert [round(confidence(d), 6) for d in (0.1, 0.3, IDENTITY_THRESHOLD, 0.6, 0.9)] == [
        *(1, 1, SURE, 0, 0)
    ]


def test_a_track_is_its_persons_nobodys_or_not_sure():
    near, doubtful, far = fates(
        track(0, range(10), at(0.2)),
        track(1, range(40, 50), at(0.55), x=400.0),
        track(2, range(10), at(0.8), x=700.0),
    )
    assert [fate.why for fate in (near, doubtful, far)] == [CAST, UNSURE, OTHER]
    assert [fate.role for fate in (near, doubtful, far)] == [0, None, None]
    assert doubtful.distance == pytest.approx(0.55, abs=1e-3)


def test_a_higher_bound_leaves_more_alone():
    assert fates(track(0, range(9), at(0.45)))[0].role == 0
    assert fates(track(0, range(9), at(0.45)), sure=0.8)[0].why == UNSURE


def test_a_track_that_could_be_either_of_two_is_nobodys():
    twin = Role("bob", "Bob", at(0.3))
    (fate,) = fates(track(0, range(9), at(0.16)), roles=(BEN, twin))
    assert (fate.why, fate.role) == (EITHER, None)


def test_a_doubtful_track_is_taken_only_where_it_carries_on_a_sure_one_in_the_same_shot():
    sure, later = track(0, range(20), at(0.2)), track(1, range(26, 40), at(0.55), x=110.0)
    assert [f.why for f in fates(sure, later)] == [CAST, CARRIED]
    assert [f.why for f in fates(sure, later, cuts=[24])] == [CAST, UNSURE]
    elsewhere = track(1, range(26, 40), at(0.55), x=400.0)
    assert [f.why for f in fates(sure, elsewhere)] == [CAST, UNSURE]


def test_one_bad_look_is_outvoted_and_its_frames_are_left_alone():
    looks = [at(0.2), at(0.9), at(0.2)]
    seen = Seen(30, (track(0, range(30), None, looks=looks),))
    located = located_parts(seen, [Part(BEN, None)], PLAIN)
    (fate,) = located.fates
    assert fate.role == 0 and fate.doubtful == 30 - located.swapped > 0
    assert 0 in located.faces and 10 not in located.faces and 29 in located.faces


def test_of_two_alike_in_one_frame_the_nearer_is_the_person():
    seen = Seen(9, (track(0, range(9), at(0.3), x=300.0), track(1, range(9), at(0.1))))
    located = located_parts(seen, [Part(BEN, None)], PLAIN)
    assert {face.track for there in located.faces.values() for face in there} == {1}


def test_a_track_that_is_asked_for_needs_no_likeness_and_must_be_there():
    role = Role("track:1", "track 1", track=1)
    first, second = fates(
        track(0, range(9), at(0.9)), track(1, range(9), at(0.9), x=400.0), roles=(role,)
    )
    assert (second.role, second.why) == (0, ASKED) and first.role is None
    with pytest.raises(CommandError, match=r"no track:7.*0 to 0"):
        fates(track(0, range(9), at(0.2)), roles=(Role("track:7", "", track=7),))


@pytest.fixture
def crowd(discs):
    """Ben walks on the left, somebody else stands on the right."""
    return discs([[("ben", 80 + 2 * i, 120), ("stranger", 240, 110)] for i in range(20)])


class Painter(Swapper):
    """A model that paints every chip in one colour."""

    size = 64

    def __init__(self, colour):
        self._colour = colour

    def chips(self, images, masks, person):
        shape = images.shape[:3]
        return np.full((*shape, 3), self._colour, np.float32), np.ones(shape, np.float32)


def colour_at(image, x, y):
    return image[round(y), round(x)].astype(int)


def test_two_people_get_two_models_in_one_pass(crowd, eyes):
    parts = [Part(BEN, Painter((0, 1, 0))), Part(STRANGER, Painter((1, 1, 0)))]
    located = located_parts(search(crowd, eyes, NullReporter()), parts, PLAIN)
    assert located.swapped == 40 and located.left_alone == 0
    with open_frames(crowd) as frames:
        for frame in swapped_frames(frames, located.faces, parts, PLAIN):
            assert (colour_at(frame.image, 80 + 2 * frame.index, 120) == (0, 255, 0)).all()
            assert (colour_at(frame.image, 240, 110) == (255, 255, 0)).all()


def test_of_three_people_two_get_their_models_and_the_third_keeps_every_bit(discs, eyes):
    clip = discs(
        [
            [("ben", 50 + i, 60), ("stranger", 250, 60), ("passer", 150 + 2 * i, 180)]
            for i in range(20)
        ]
    )
    parts = [Part(BEN, Painter((0, 1, 0))), Part(STRANGER, Painter((1, 1, 0)))]
    located = located_parts(search(clip, eyes, NullReporter()), parts, PLAIN)
    assert (located.swapped, located.left_alone) == (40, 20)
    with open_frames(clip) as before, open_frames(clip) as frames:
        pairs = zip(before, swapped_frames(frames, located.faces, parts, PLAIN), strict=True)
        for old, new in pairs:
            assert (colour_at(new.image, 50 + old.index, 60) == (0, 255, 0)).all()
            assert (colour_at(new.image, 250, 60) == (255, 255, 0)).all()
            assert np.array_equal(old.image[130:], new.image[130:])


def test_everybody_else_keeps_every_bit(crowd, eyes):
    parts = [Part(STRANGER, Painter((1, 1, 0)))]
    located = located_parts(search(crowd, eyes, NullReporter()), parts, PLAIN)
    with open_frames(crowd) as before, open_frames(crowd) as frames:
        pairs = zip(before, swapped_frames(frames, located.faces, parts, PLAIN), strict=True)
        for old, new in pairs:
            changed = np.argwhere((old.image != new.image).any(-1))
            assert len(changed) and np.abs(changed - (110, 240)).max() <= 60
            assert np.array_equal(old.image[:, :175], new.image[:, :175])


def test_a_doubtful_face_is_left_alone_and_said(crowd, eyes, tmp_path):
    doubtful = Role("ben", "Ben", at(0.55))
    reporter = CollectingReporter()
    with pytest.raises(NoTargetError, match="not sure that any of the faces"):
        convert(
            *(crowd, tmp_path / "out.mp4", [Part(doubtful, Painter((0, 1, 0)))], PLAIN, reporter),
            eyes=eyes,
        )
    both = [Part(STRANGER, Painter((0, 1, 0))), Part(doubtful, Painter((0, 1, 0)))]
    result = convert(crowd, tmp_path / "out.mp4", both, PLAIN, reporter, eyes=eyes)
    assert (result.swapped, result.left_alone) == (20, 20)
    (told,) = reporter.of("tracks")
    assert [(t["track"], t["role"], t["why"]) for t in told["tracks"]] == [
        (0, None, UNSURE),
        (1, "tom", CAST),
    ]
    (warning,) = reporter.of("warning")
    assert "track:0" in warning["text"] and "Ben" in warning["text"]


def test_tracks_are_listed_with_a_picture_of_each(crowd, eyes, tmp_path):
    seen = search(crowd, eyes, NullReporter())
    roles = [BEN]
    folder = tmp_path / "tracks"
    rows = list_tracks(crowd, seen, cast(seen, roles), roles, folder, NullReporter())
    stored = json.loads((folder / FILE).read_text())
    assert stored["tracks"] == json.loads(json.dumps(rows)) and stored["frames"] == 20
    assert [(row["name"], row["role"], row["seen"]) for row in rows] == [
        ("track:0", "ben", 20),
        ("track:1", None, 20),
    ]
    red, blue = (read_picture(folder / row["picture"]) for row in rows)
    assert red[..., 0].mean() > blue[..., 0].mean() and red[..., 2].mean() < blue[..., 2].mean()


def test_a_preview_is_what_the_conversion_makes_of_the_frame(discs, eyes, tmp_path):
    clip = discs([[("ben", 60 + 2 * i, 120)] for i in range(70)])
    parts = [Part(BEN, Painter((0, 1, 0)))]
    settings = replace(PLAIN, smooth=5)
    killed = subprocess.Popen(["true"])
    killed.wait()
    leftover = tmp_path / "shown" / f".tmp-{files._host()}-{killed.pid}-0123abcd.png"
    leftover.parent.mkdir()
    leftover.touch()
    made = preview(clip, [3, 66], tmp_path / "shown", parts, settings, NullReporter(), eyes=eyes)
    assert [(frame, faces) for frame, _, faces in made] == [(3, 1), (66, 1)]
    assert not leftover.exists()
    located = located_parts(search(clip, eyes, NullReporter()), parts, settings)
    with open_frames(clip) as frames:
        whole = {f.index: f.image for f in swapped_frames(frames, located.faces, parts, settings)}
    for frame, path, _ in made:
        right = read_picture(path)[30:270, -326:-6]
        assert np.abs(right.astype(int) - whole[frame]).mean() < 0.5
        near = read_picture(close_up(path)).astype(int)
        half = near.shape[1] // 2
        middle = slice(near.shape[0] // 3, 2 * near.shape[0] // 3)
        swapped = near[middle, half + half // 3 : half + 2 * half // 3]
        assert swapped[..., 1].mean() > swapped[..., 0].mean() + 50  # painted green, and close
    with pytest.raises(CommandError, match="no frame 70"):
        preview(clip, [70], tmp_path / "shown", parts, settings, NullReporter(), eyes=eyes)


def test_what_is_seen_survives_being_stored(crowd, eyes):
    seen = search(crowd, eyes, NullReporter())
    again = Seen.from_arrays(seen.arrays(), "")
    assert again.frames == seen.frames and len(again.tracks) == 2
    for before, after in zip(seen.tracks, again.tracks, strict=True):
        assert np.array_equal(before.landmarks, after.landmarks)
        assert np.array_equal(before.embeddings, after.embeddings)
        assert np.array_equal(before.movement, after.movement, equal_nan=True)


def test_the_movement_of_known_faces_is_what_a_search_tells(crowd, eyes):
    seen = search(crowd, eyes, NullReporter())
    known = replace(seen, tracks=tuple(replace(one, motion=None) for one in seen.tracks))
    found = with_motion(crowd, known)
    for before, after in zip(seen.tracks, found.tracks, strict=True):
        assert np.allclose(before.movement, after.movement, atol=1e-3, equal_nan=True)
    part = with_motion(crowd, known, range(10, 15))
    assert np.isnan(part.tracks[0].movement[:11]).all()
    assert np.allclose(
        part.tracks[0].movement[11:15], seen.tracks[0].movement[11:15], atol=1e-3, equal_nan=True
    )
    assert with_motion(crowd, seen) is seen
