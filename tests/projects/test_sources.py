import hashlib
import os
from pathlib import Path

import pytest

from projects import sources
from projects.errors import CommandError, DamagedError, SwapdeckError
from projects.people import Person
from projects.sources import (
    About,
    add_source,
    find_source,
    given_name,
    list_sources,
    record_look,
)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "My Clip.MP4"
    path.write_bytes(bytes(range(256)) * 40)
    return path


def test_a_source_is_copied_under_its_hash(ada: Person, clip: Path) -> None:
    source, is_new = add_source(ada, clip, "video", "https://example.org/clip")
    assert is_new
    assert source.digest == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert source.path == ada.sources_dir / f"{source.digest[:16]}.mp4"
    assert source.path.read_bytes() == clip.read_bytes()
    assert (source.name, source.size, source.kind) == ("My Clip.MP4", 10240, "video")
    assert list_sources(ada) == [source]


def test_the_same_content_is_kept_once(ada: Person, clip: Path, tmp_path: Path) -> None:
    first, _ = add_source(ada, clip, "video", "a")
    copy = tmp_path / "other name.mov"
    copy.write_bytes(clip.read_bytes())
    assert add_source(ada, copy, "video", "b") == (first, False)
    assert list_sources(ada) == [first]


def test_a_source_whose_file_was_lost_is_restored(ada: Person, clip: Path) -> None:
    source, _ = add_source(ada, clip, "video", "a")
    source.path.unlink()
    with pytest.raises(DamagedError, match="Gather it again"):
        list_sources(ada)
    assert add_source(ada, clip, "video", "a")[1]
    assert len(list_sources(ada)) == 1


def test_an_original_name_cannot_deceive_a_terminal(ada: Person, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[2J\n\u202egpj.toml"
    path.write_bytes(b"x")
    source, _ = add_source(ada, path, "image", "o\x07rigin")
    assert source.name == "a[2J gpj.toml"
    assert source.origin == "origin"
    assert list_sources(ada) == [source]


def test_what_is_not_a_file_with_content_is_refused(ada: Person, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "pipe.mp4")
    for name, sentence in [
        ("none.mp4", "There is no file"),
        ("empty.mp4", "is empty"),
        ("pipe.mp4", "not an ordinary file"),
        (".", "is a folder"),
    ]:
        with pytest.raises(CommandError, match=sentence):
            add_source(ada, tmp_path / name, "video", "")
    assert list(ada.sources_dir.iterdir()) == []


def test_a_file_that_changes_while_it_is_copied_is_refused(
    ada: Person, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = sources.sha256_file

    def hash_then_grow(path: Path) -> str:
        digest = hashed(path)
        with path.open("ab") as file:
            file.write(b"more")
        return digest

    monkeypatch.setattr(sources, "sha256_file", hash_then_grow)
    with pytest.raises(SwapdeckError, match="changed while it was being copied"):
        add_source(ada, clip, "video", "")
    assert list(ada.sources_dir.iterdir()) == []


def test_a_file_larger_than_the_free_space_is_refused_before_it_is_copied(
    ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = tmp_path / "huge.mp4"
    with huge.open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(sources, "sha256_file", lambda path: "0" * 64)
    with pytest.raises(SwapdeckError, match=r"disk is full.*needs 1099511.6 MB"):
        add_source(ada, huge, "video", "")
    assert list(ada.sources_dir.iterdir()) == []


def test_a_damaged_record_says_what_to_do(ada: Person, clip: Path) -> None:
    source, _ = add_source(ada, clip, "video", "a")
    sidecar = source.path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text().replace('kind = "video"', 'kind = "pickle"'))
    with pytest.raises(DamagedError, match="gather the source again"):
        list_sources(ada)


def test_a_record_cannot_point_out_of_the_folder(ada: Person, clip: Path) -> None:
    source, _ = add_source(ada, clip, "video", "a")
    sidecar = source.path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text().replace(source.path.name, "../../../x"))
    with pytest.raises(CommandError, match="leads out of"):
        list_sources(ada)


def test_what_is_known_of_a_source_is_kept_with_it(ada: Person, clip: Path) -> None:
    about = About(
        page="https://example.org/talk",
        title="A\x1b[2J talk",
        author="Ada",
        licence="CC BY 4.0",
        part="1:20-2:05",
        look=("00ff", "ff00"),
        seconds=45.5,
    )
    source, _ = add_source(ada, clip, "video", "https://example.org/clip", about=about)
    assert source.about.title == "A[2J talk"
    assert source.about.look == ("00ff", "ff00")
    assert list_sources(ada) == [source]
    assert 'licence = "CC BY 4.0"' in source.path.with_suffix(".toml").read_text()


def test_a_record_of_an_older_version_still_loads(ada: Person, clip: Path) -> None:
    source, _ = add_source(ada, clip, "video", "a", about=About(page="p", look=()))
    sidecar = source.path.with_suffix(".toml")
    old = [line for line in sidecar.read_text().splitlines() if line[:4] not in ("page", "look")]
    sidecar.write_text("\n".join(old) + "\n")
    assert list_sources(ada)[0].about == About()


def test_what_somebody_wrote_into_a_record_does_no_harm(ada: Person, clip: Path) -> None:
    source, _ = add_source(ada, clip, "video", "a")
    sidecar = source.path.with_suffix(".toml")
    sidecar.write_text(sidecar.read_text() + 'page = 7\nlook = "none"\nseconds = "long"\n')
    assert list_sources(ada)[0].about == About(page="7")


def test_a_file_of_our_own_is_moved_under_its_given_name(ada: Person, clip: Path) -> None:
    source, is_new = add_source(ada, clip, "video", "a", name="Talk.mp4", take=True)
    assert is_new
    assert not clip.exists()
    assert source.name == "Talk.mp4"
    assert hashlib.sha256(source.path.read_bytes()).hexdigest() == source.digest


def test_a_source_is_found_by_its_digest(ada: Person, clip: Path) -> None:
    source, _ = add_source(ada, clip, "video", "a")
    assert find_source(ada, source.digest) == source
    assert find_source(ada, "0" * 64) is None
    record_look(source, ("abcd",), 3.0)
    found = find_source(ada, source.digest)
    assert found is not None
    assert (found.about.look, found.about.seconds) == (("abcd",), 3.0)


def test_a_result_is_called_as_the_source_was_when_it_was_brought_in(
    ada: Person, tmp_path: Path
) -> None:
    clip = tmp_path / "My Scene (take 2).mp4"
    clip.write_bytes(b"a clip")
    source, _ = add_source(ada, clip, "video", str(clip))
    assert source.path.stem != clip.stem
    assert given_name(source.path) == "my-scene-take-2"
    assert given_name(clip) == clip.stem
    source.path.with_suffix(".toml").write_text("name = [")
    assert given_name(source.path) == source.path.stem
