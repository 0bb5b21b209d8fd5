import json
import os
from pathlib import Path

import pytest

from projects import texts
from projects.errors import DamagedError, NewerVersionError, SwapdeckError


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"version = 1\nname = 'Ada\n", "line 2"),
        (b"version = 1\n\xff\xfe", "line 2 is not UTF-8"),
        (b"", "version"),
        (b"version = 'x'\n", "version"),
        (b"version = true\n", "version"),
    ],
)
def test_damaged_toml_names_the_file_the_line_and_what_to_do(
    tmp_path: Path, text: bytes, sentence: str
) -> None:
    path = tmp_path / "person.toml"
    path.write_bytes(text)
    with pytest.raises(DamagedError, match=sentence) as caught:
        texts.versioned_toml(path, 1)
    assert str(path) in str(caught.value)
    assert "editor" in str(caught.value) or "good copy" in str(caught.value)


def test_a_newer_version_says_update(tmp_path: Path) -> None:
    path = tmp_path / "person.toml"
    path.write_text("version = 2\n")
    with pytest.raises(NewerVersionError, match="Update swapdeck; nothing was changed"):
        texts.versioned_toml(path, 1)


def test_damaged_json_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1,\n "b": }\n')
    with pytest.raises(DamagedError, match="line 2"):
        texts.read_json(path)
    with pytest.raises(DamagedError, match="missing"):
        texts.read_json(tmp_path / "none.json")


def test_numbers_that_json_does_not_have_become_null(tmp_path: Path) -> None:
    class Scalar:
        def item(self) -> float:
            return 1.5

    value = {"nan": float("nan"), "inf": [float("inf")], "scalar": Scalar(), "path": Path("/a")}
    texts.write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"nan": None, "inf": [None], "scalar": 1.5, "path": "/a"}


def test_toml_leaves_none_out(tmp_path: Path) -> None:
    texts.write_toml(tmp_path / "a.toml", {"a": 1, "b": None, "c": {"d": None, "e": [1.5]}})
    assert texts.read_toml(tmp_path / "a.toml") == {"a": 1, "c": {"e": [1.5]}}


def test_a_reader_follows_a_growing_log_and_ignores_a_partial_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    assert texts.read_jsonl(path) == ([], 0)
    texts.append_line(path, {"n": 1})
    with path.open("a") as file:
        file.write('{"n": 2')
    first, offset = texts.read_jsonl(path)
    assert first == [{"n": 1}]
    with path.open("a") as file:
        file.write("}\n")
    assert texts.read_jsonl(path, offset)[0] == [{"n": 2}]


def test_a_torn_line_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2, "te')
    texts.append_line(path, {"n": 3})
    assert [line["n"] for line in texts.read_jsonl(path)[0]] == [1, 3]


def test_a_line_that_does_not_fit_on_the_disk_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.jsonl"
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    with pytest.raises(SwapdeckError, match="disk is full"):
        texts.append_line(path, {"n": 1})
    monkeypatch.undo()
    texts.append_line(path, {"n": 2})
    assert texts.read_jsonl(path)[0] == [{"n": 2}]


def test_the_end_of_a_long_log_can_be_read_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for number in range(100):
        texts.append_line(path, {"n": number})
    tail, offset = texts.read_jsonl(path, -30)
    assert [line["n"] for line in tail] == [97, 98, 99]
    assert offset == path.stat().st_size
    assert len(texts.read_jsonl(path, -(10**6))[0]) == 100
    exact = len(b'{"n":99}\n')
    assert [line["n"] for line in texts.read_jsonl(path, -exact)[0]] == [99]


def test_a_log_that_was_replaced_by_a_shorter_one_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"n": 1}\n')
    assert texts.read_jsonl(path, 10_000)[0] == [{"n": 1}]
