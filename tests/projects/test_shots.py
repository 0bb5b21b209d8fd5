"""Settings by shot: what a person may write, and what they are told when it is wrong."""

from pathlib import Path

import pytest

from projects.errors import CommandError, DamagedError, NewerVersionError
from projects.shots import Shot, load_shots, shots_of

GOOD = """version = 1
# the light changes when the door opens
[[shot]]
last = 9
colour = "light"

[[shot]]
input = "scene.mp4"
first = 10
last = 19
feather = 20
occlusion = false

[[shot]]
input = "other.mp4"
first = 15
opacity = 0.5
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "shots.toml"
    path.write_text(text)
    return path


def test_shots_are_read_with_their_ranges_and_settings(tmp_path):
    shots = load_shots(write(tmp_path, GOOD))
    assert shots == (
        Shot(0, 9, (("colour", "light"),)),
        Shot(10, 19, (("feather", 20.0), ("occlusion", False)), "scene.mp4"),
        Shot(15, None, (("opacity", 0.5),), "other.mp4"),
    )
    here = shots_of(shots, Path("/footage/scene.mp4"))
    assert here == shots[:2]
    assert [n for n in (0, 9, 10, 19, 20) if any(shot.holds(n) for shot in here)] == [0, 9, 10, 19]


@pytest.mark.parametrize(
    ("shot", "said"),
    [
        ("first = 5\nlast = 4\nopacity = 1.0", "ends at frame 4, before it begins at 5"),
        ("first = -1\nopacity = 1.0", "first = -1. Frames are whole numbers from 0"),
        ("last = true\nopacity = 1.0", "Frames are whole numbers"),
        ("first = 5", "sets nothing"),
        ("opcity = 1.0", "no setting 'opcity'"),
        ("opacity = 2.0", "Shot 1 in .*Opacity cannot be '2'"),
        ("colour = 3", "Shot 1 in .*Colour cannot be '3'"),
        ("smooth = 5", "holds for whole tracks. Give --smooth instead"),
        ('input = "a/b.mp4"\nopacity = 1.0', "a file without folders"),
    ],
)
def test_a_wrong_shot_is_refused_with_what_to_do(tmp_path, shot, said):
    with pytest.raises(CommandError, match=said):
        load_shots(write(tmp_path, f"version = 1\n[[shot]]\n{shot}\n"))


def test_a_frame_is_in_one_shot_only(tmp_path):
    twice = (
        "version = 1\n[[shot]]\nfirst = 30\nopacity = 0.5\n"
        "[[shot]]\nfirst = 10\nlast = 30\nfeather = 5\n"
    )
    with pytest.raises(CommandError, match="two shots for frame 30: 30 to the end, and 10 to 30"):
        load_shots(write(tmp_path, twice))


def test_shots_of_different_footage_may_have_the_same_frames(tmp_path):
    both = "".join(f'[[shot]]\ninput = "{name}.mp4"\nlast = 5\nopacity = 0.5\n' for name in "ab")
    assert len(load_shots(write(tmp_path, f"version = 1\n{both}"))) == 2


@pytest.mark.parametrize("text", ["version = 1\nshot = 3\n", "version = 1\nopacity = 0.5\n"])
def test_a_file_without_shots_says_how_one_begins(tmp_path, text):
    with pytest.raises(CommandError, match=r"\[\[shot\]\]"):
        load_shots(write(tmp_path, text))


def test_damaged_and_newer_files_are_told_apart(tmp_path):
    with pytest.raises(DamagedError):
        load_shots(write(tmp_path, "version = \n"))
    with pytest.raises(NewerVersionError):
        load_shots(write(tmp_path, "version = 99\n"))
