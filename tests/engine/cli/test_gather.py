"""`swapdeck gather` as a user has it."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from engine import verbs
from engine.cli.app import run
from engine.cli.follow import Outcome
from engine.cli.options import moment, size
from engine.gather.intake import Gathered
from engine.gather.run import Request
from engine.gather.settings import GatherSettings, Search
from engine.reporting import NullReporter
from projects.consent import Consent
from projects.people import add_person
from projects.workspace import open_workspace
from tests.engine.gather.conftest import Server, jpeg, serving, write_clip


@pytest.fixture
def server() -> Any:
    with serving("127.0.0.1") as one:
        yield one


@pytest.fixture
def ada(swapdeck: Any) -> Any:
    swapdeck("person", "add", "Ada", "--basis", "self")
    return swapdeck


class Asked:
    """Gives the command's words to the verb; what the verb would ask of the engine."""

    detached = False

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.arguments: Any = None
        monkeypatch.setattr("engine.cli.gather.run_job", self.run_job)
        monkeypatch.setattr("engine.gather.run.gather", self.gather)

    def run_job(self, *given: Any, detach: bool) -> Outcome:
        self.workspace, self.arguments, self.detached = given[1], given[4], detach
        return Outcome(given[1])

    def gather(self, person: Any, request: Request, settings: GatherSettings, _: Any) -> Gathered:
        assert person.slug == "ada"
        self.request, self.settings = request, settings
        return Gathered((), (), (), (), 0)

    def __call__(self, *words: str) -> tuple[Request, GatherSettings]:
        assert run(["--workspace", str(self.root), "gather", "ada", *words]) == 0
        through_a_file = json.loads(json.dumps(self.arguments))  # as a job gets them
        verbs.run(self.workspace, "gather", through_a_file, NullReporter())
        return self.request, self.settings


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.chdir(tmp_path)
    workspace = open_workspace(tmp_path / "workspace", create=True)
    add_person(workspace, "Ada", Consent("self", "any", "ada", "2026-01-01"))
    return Asked(workspace.root, monkeypatch)


def result(events: list[dict[str, Any]]) -> dict[str, Any]:
    [found] = [event for event in events if event.get("kind") == "result"]
    return found


@pytest.mark.parametrize(
    ("text", "expected"), [("500M", 500e6), ("2G", 2e9), ("1.5 gb", 1.5e9), ("120k", 120e3), (9, 9)]
)
def test_sizes(text: object, expected: float) -> None:
    assert size(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1:20", 80), ("1:02:05.5", 3725.5), ("90", 90), ("0:00", 0)]
)
def test_times(text: str, expected: float) -> None:
    assert moment(text) == expected


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name a SOURCE"),
        (["--search", "  "], "needs words"),
        (["x.mp4", "--max-size", "huge"], "'huge' is no size. Write it as 500M"),
        (["x.mp4", "--max-size", "0"], "no size"),
        (["x.mp4", "--from", "soon"], "'soon' is no time. Write it as 1:20"),
        (["no-such.mp4"], "There is no no-such.mp4"),
        (["CON"], "There is no CON"),
        (["..."], "There is no ..."),
        (["-rf"], "No such option"),
        (["\x1b]0;x\x07y"], "There is no ]0;xy"),
        (["x" * 5000], "There is no xxx"),
        (["--search", "x", "--licence", "mine"], "'mine' is not one of"),
    ],
)
def test_wrong_commands(ada: Any, words: list[str], sentence: str) -> None:
    assert sentence in ada.error("gather", "ada", *words, code=2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--max-size", "2M"), GatherSettings(max_size=2_000_000)),
        (("--max-duration", "10:00"), GatherSettings(max_duration=600.0)),
        (("--resolution", "720"), GatherSettings(resolution=720)),
        (("--videos", "3"), GatherSettings(videos=3)),
        (("--from", "1:20"), GatherSettings(start=80.0)),
        (("--to", "2:05"), GatherSettings(end=125.0)),
        (("--duplicates", "skip"), GatherSettings(duplicates="skip")),
        (("--allow-private",), GatherSettings(allow_private=True)),
        (("--timeout", "7.5"), GatherSettings(timeout=7.5)),
        ((), GatherSettings()),
    ],
)
def test_every_option_reaches_the_settings(
    asked: Asked, words: tuple[str, ...], expected: GatherSettings
) -> None:
    request, settings = asked("https://example.org/talk", *words)
    assert settings == expected
    assert request == Request(links=("https://example.org/talk",))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), Search("ada lovelace")),
        (("--count", "30"), Search("ada lovelace", count=30)),
        (("--licence", "public-domain"), Search("ada lovelace", licence="public-domain")),
        (("--min-width", "800"), Search("ada lovelace", min_width=800)),
        (("--min-size", "400"), Search("ada lovelace", min_size=400)),
    ],
)
def test_every_option_of_a_search_reaches_it(
    asked: Asked, words: tuple[str, ...], expected: Search
) -> None:
    request, settings = asked("--search", " ada lovelace ", *words)
    assert request == Request(search=expected)
    assert settings == GatherSettings()


def test_paths_patterns_and_links_are_told_apart(asked: Asked, tmp_path: Path) -> None:
    words = ("photos", "set/**/*.mov", "https://example.org/a.mp4")
    (tmp_path / "photos").mkdir()
    request, _ = asked(*words)
    assert request == Request(
        (tmp_path / "photos",), (f"{tmp_path}/set/**/*.mov",), ("https://example.org/a.mp4",)
    )


def test_detach_reaches_the_job(asked: Asked) -> None:
    asked("https://example.org/a.mp4", "--detach")
    assert asked.detached


def test_the_end_comes_after_the_beginning(ada: Any, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    words = ("gather", "ada", tmp_path / "a.jpg", "--from", "2:00", "--to", "1:00")
    assert "(--to) must be later" in ada.error(*words, code=2)


def test_files_patterns_and_links_at_once(ada: Any, server: Server, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(3):
        (tmp_path / "pictures" / f"{number}.jpg").write_bytes(jpeg(number))
    server.answers["/3.jpg"] = lambda handler: handler.reply(200, jpeg(3), "image/jpeg")
    link = server.url("/3.jpg")
    words = ("gather", "ada", "pictures/[01].jpg", link, "--allow-private")
    assert result(ada(*words, cwd=tmp_path))["added"] == 3
    assert result(ada(*words, cwd=tmp_path))["known"] == 3
    [shown] = ada("person", "show", "ada")
    assert sorted(shown["files"]) == ["0.jpg", "1.jpg", "3.jpg"]
    origins = [source["origin"] for source in shown["footage"]]
    assert link in origins
    assert {"page", "licence", "author", "part"} <= set(shown["footage"][0])


def test_what_is_refused_is_told_and_the_rest_is_in(ada: Any, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    words = ("gather", "ada", tmp_path / "a.jpg", "ftp://example.org/x", "http://127.0.0.1:9/x")
    said = ada.error(*words, code=1)
    assert "not ftp" in said
    assert "--allow-private" in said
    assert "The rest was brought in for Ada: 1 file." in said
    assert ada("person", "show", "ada")[0]["files"] == ["a.jpg"]


def test_an_interrupted_download_goes_on_with_the_next_command(
    ada: Any, server: Server, tmp_path: Path
) -> None:
    body = write_clip(tmp_path / "clip.mp4", 3.0).read_bytes()

    def halting(handler: Any) -> None:
        handler.head(200, Content_Length=str(len(body)), ETag='"1"')
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        server.ending.wait(20)

    server.answers["/clip.mp4"] = halting
    words = ("gather", "ada", server.url("/clip.mp4"), "--allow-private", "--timeout", "1")
    process = ada.start(*words)
    for line in process.stdout:
        event = json.loads(line)
        if event.get("kind") == "progress" and event["stage"] == "download":
            process.send_signal(signal.SIGINT)
            break
    process.stdout.read()
    assert process.wait() == 130
    assert ada("person", "show", "ada")[0]["files"] == []
    server.answers["/clip.mp4"] = lambda handler: handler.ranged(body, ETag='"1"')
    assert result(ada(*words))["added"] == 1
    assert "Range" in server.seen[-1][1]
    assert not (ada.root / "people" / "ada" / "downloads").exists()
