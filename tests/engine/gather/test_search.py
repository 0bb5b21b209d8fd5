"""An image search, with a server that stands in for the search service."""

import json
import math
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from engine.gather import search as searching
from engine.gather.intake import Gathered, GatherError
from engine.gather.run import Request, gather
from engine.gather.settings import GatherSettings, Search
from engine.reporting import CollectingReporter
from projects.people import Person
from projects.sources import list_sources
from tests.engine.gather.conftest import Handler, Server, jpeg


class Service:
    """Answers searches with what `results` holds, a page of `size` at a time."""

    def __init__(self, person: Person, settings: GatherSettings, server: Server) -> None:
        self.person, self.settings, self.server = person, settings, server
        self.results: list[dict[str, Any]] = []
        self.size = 100
        self.code = 200
        self.reporter = CollectingReporter()
        server.answers["/i.js"] = self.answer

    def answer(self, handler: Handler) -> None:
        start = int(self.queries[-1].get("s", ["0"])[0]) // 100 * self.size
        body = {"results": self.results[start : start + self.size]}
        handler.reply(self.code, json.dumps(body).encode(), "application/json")

    @property
    def queries(self) -> list[dict[str, list[str]]]:
        parts = [urlsplit(path) for path, _ in self.server.seen]
        return [parse_qs(part.query) for part in parts if part.path == "/i.js"]

    def picture(self, number: int, body: bytes | None = None, **fields: Any) -> None:
        path = f"/{number}.jpg"
        data = jpeg(number) if body is None else body
        self.server.answers[path] = lambda handler: handler.reply(200, data, "image/jpeg")
        result = {
            "image": self.server.url(path),
            "url": f"https://example.org/page/{number}",
            "title": f"Picture {number}",
            "source": "Example",
            "width": 320,
            "height": 280,
        }
        self.results.append(result | fields)

    def __call__(self, settings: GatherSettings | None = None, **search: Any) -> Gathered:
        wanted = replace(Search("ada lovelace", count=3), **search)
        request = Request(search=wanted)
        return gather(self.person, request, settings or self.settings, self.reporter)

    def warnings(self) -> str:
        return " ".join(event["text"] for event in self.reporter.of("warning"))


@pytest.fixture
def service(
    ada: Person, settings: GatherSettings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> Service:
    from ddgs.engines.duckduckgo_images import DuckduckgoImages

    monkeypatch.setattr(DuckduckgoImages, "search_url", server.url("/i.js"))
    monkeypatch.setattr(DuckduckgoImages, "_get_vqd", lambda self, query: "1-2")
    return Service(ada, settings, server)


def test_pictures_come_with_their_page_and_licence(service: Service) -> None:
    for number in range(5):
        service.picture(number)
    gathered = service(licence="share-commercially")
    assert len(gathered.added) == 3
    first = gathered.added[0]
    assert first.origin == service.server.url("/0.jpg")
    assert first.about.page == "https://example.org/page/0"
    assert first.about.title == "Picture 0"
    assert first.about.licence == "searched as 'share-commercially' (not verified)"
    assert service.queries[0]["q"] == ["ada lovelace"]
    assert "license:ShareCommercially" in service.queries[0]["f"][0]
    assert list_sources(service.person)[0].about.page.startswith("https://example.org/page/")


def test_without_a_filter_nothing_is_said_about_the_licence(service: Service) -> None:
    service.picture(0)
    assert service(count=1).added[0].about.licence == ""
    assert "f" not in service.queries[0]


def test_further_pages_are_asked_for_until_there_are_enough(service: Service) -> None:
    service.size = 2
    for number in range(7):
        service.picture(number)
    assert len(service(count=5).added) == 5
    assert len(service.queries) == 3


def test_the_same_search_again_brings_nothing_twice(service: Service) -> None:
    for number in range(5):
        service.picture(number)
    service()
    again = service()
    assert (len(again.added), len(again.known)) == (0, 3)


def test_small_pictures_are_passed_over(service: Service) -> None:
    service.picture(0, width=100, height=100)
    service.picture(1, body=jpeg(1, 120, 100), width=4000, height=3000)  # a lie
    service.picture(2, body=jpeg(2, 700, 500), width=None, height=None)
    assert [s.about.title for s in service(count=1, min_size=200).added] == ["Picture 2"]
    assert "Left out as too small: 2 pictures." in service.warnings()
    assert "/0.jpg" not in [path for path, _ in service.server.seen]


def test_a_minimum_width_counts_across(service: Service) -> None:
    service.picture(0, body=jpeg(0, 300, 900))
    service.picture(1, body=jpeg(1, 900, 300), width=900, height=300)
    gathered = service(count=2, min_width=500)
    assert [source.about.title for source in gathered.added] == ["Picture 1"]


def test_copies_of_one_picture_are_left_out_unless_they_are_wanted(service: Service) -> None:
    service.picture(0)
    service.picture(1, body=jpeg(0, 640, 560, quality=70))
    service.picture(2)
    gathered = service(count=3)
    assert [source.about.title for source in gathered.added] == ["Picture 0", "Picture 2"]
    assert len(gathered.skipped) == 1
    assert "1.jpg looks like 0.jpg" in service.warnings()
    kept = service(replace(service.settings, duplicates="keep"))
    assert [source.about.title for source in kept.added] == ["Picture 1"]


@pytest.mark.parametrize(
    "bad",
    [
        {"image": "ftp://example.org/a.jpg"},
        {"image": "http://169.254.169.254/latest/meta-data"},
        {"image": "/etc/passwd"},
        {"image": None},
        {"image": "http://127.0.0.1:9/gone.jpg"},
    ],
)
def test_a_bad_result_is_passed_over(service: Service, bad: dict[str, Any]) -> None:
    service.picture(0, **bad)
    service.picture(1)
    (source,) = service(replace(service.settings, timeout=1.0), count=1).added
    assert source.about.title == "Picture 1"
    assert "Left out" in service.warnings()


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html>gone", b"", jpeg(0)[:2000], b"GIF89a" + bytes(999)]
)
def test_what_is_no_picture_is_passed_over(service: Service, body: bytes) -> None:
    service.picture(0, body=body)
    service.picture(1)
    gathered = service(count=1)
    assert [source.about.title for source in gathered.added] == ["Picture 1"]
    assert len(gathered.refused) == 1


def test_odd_answers_do_no_harm(service: Service) -> None:
    service.picture(0, title="\x1b[2Jx" * 400, width="wide", height=math.nan)
    (source,) = service(count=1).added
    assert "\x1b" not in source.about.title
    assert len(source.about.title) <= 2000


def test_no_result_is_told(service: Service) -> None:
    with pytest.raises(GatherError, match=r"found nothing for 'ada lovelace'\. Try other"):
        service()


@pytest.mark.parametrize(("code", "words"), [(403, "refuses to answer now"), (429, "limits")])
def test_a_refusal_of_the_service_is_told(service: Service, code: int, words: str) -> None:
    service.code = code
    with pytest.raises(GatherError, match=words):
        service()


def test_an_answer_that_is_no_list_is_told(service: Service) -> None:
    service.server.answers["/i.js"] = lambda handler: handler.reply(200, b"<html>", "text/html")
    with pytest.raises(GatherError, match="cannot be read"):
        service()


def test_nothing_but_small_pictures_is_told(service: Service) -> None:
    service.picture(0, width=90, height=90)
    with pytest.raises(GatherError, match=r"None of the 1 picture found .* 1 of them too small"):
        service()


def test_a_service_that_breaks_off_keeps_what_came(service: Service) -> None:
    service.size = 1
    service.picture(0)

    def then_refuse(handler: Handler) -> None:
        if "s" in service.queries[-1]:
            handler.reply(429, b"")
        else:
            service.answer(handler)

    service.server.answers["/i.js"] = then_refuse
    assert len(service().added) == 1
    assert "limits how often" in service.warnings()


def test_no_network_is_one_sentence(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    from ddgs.engines.duckduckgo_images import DuckduckgoImages

    monkeypatch.setattr(DuckduckgoImages, "search_url", "http://127.0.0.1:9/i.js")
    with pytest.raises(GatherError, match=r"^The image search cannot be reached\. Check that"):
        service()


def test_the_service_itself_may_not_lie_in_this_network(service: Service) -> None:
    with pytest.raises(GatherError, match="private network"):
        service(replace(service.settings, allow_private=False))
    assert service.server.seen == []


def test_another_service_can_be_added(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    class Shelf:
        def find(self, search: Search, guard: Any, timeout: float) -> Any:
            link = service.server.url("/0.jpg")
            yield searching.Found(link, "https://x.org", search.words, "Ada", "CC BY 4.0", 0, 0)

    service.picture(0)
    monkeypatch.setitem(searching.SOURCES, "shelf", Shelf)
    (source,) = service(service="shelf").added
    assert (source.about.author, source.about.licence) == ("Ada", "CC BY 4.0")
