"""The door to a person's sources: every file is opened and looked at before it may pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal

from engine.gather.downloads import place_for
from engine.gather.duplicates import Look, alike, look_of
from engine.gather.settings import Duplicates, GatherSettings
from engine.media import MediaError, MediaInfo, probe
from engine.media.cut import Cut, copy_part
from engine.media.info import open_video
from engine.media.pictures import PICTURE_SUFFIXES, picture_format
from engine.reporting import Reporter
from engine.text import count, duration
from projects.errors import DamagedError, SwapdeckError
from projects.files import sha256_file
from projects.names import printable
from projects.people import Person
from projects.sources import About, Source, add_source, find_source, list_sources, record_look

VIDEO_SUFFIXES: Final = frozenset(
    {
        *(".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
        *(".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv"),
    }
)
"""What is taken from a folder as video; a file that is named by itself may have any name."""
_PICTURE_SUFFIX: Final = {"JPEG": ".jpg", "TIFF": ".tif"}
_VIDEO_SUFFIX: Final = {
    "matroska,webm": ".mkv",
    "mpegts": ".ts",
    "mpeg": ".mpg",
    "asf": ".wmv",
    "ogg": ".ogv",
    "avi": ".avi",
    "flv": ".flv",
    "gif": ".gif",
}
_TOLD: Final = 3  # refusals in the sentence at the end; each has had its warning
_SAID: Final = 5  # duplicates named one by one; the others are counted


class GatherError(SwapdeckError):
    """Something that was asked for could not be brought in; the rest was."""


@dataclass(frozen=True)
class Refused:
    """Something that was not brought in, as it was named or found, and why, as a sentence."""

    what: str
    reason: str


@dataclass(frozen=True)
class Gathered:
    """What became of everything that was asked for."""

    added: tuple[Source, ...]
    known: tuple[Source, ...]
    """Sources whose content was there already."""
    skipped: tuple[Refused, ...]
    """What was left out because it looks like a source that is there."""
    refused: tuple[Refused, ...]
    similar: int
    """How many of `added` look like a source that was there."""


@dataclass(frozen=True)
class Arrival:
    """A file at the door. `named`: asked for by itself, not found in a folder or by a search.
    `own`: downloaded by this program, to be moved instead of copied, its name without meaning."""

    file: Path
    origin: str
    named: bool
    name: str = ""
    about: About = field(default_factory=About)
    own: bool = False


@dataclass
class Intake:
    """Takes arrivals into one person's sources and keeps account of them."""

    person: Person
    settings: GatherSettings
    reporter: Reporter
    added: dict[str, Source] = field(default_factory=dict)
    known: dict[str, Source] = field(default_factory=dict)
    skipped: list[Refused] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    named_refused: list[Refused] = field(default_factory=list)
    similar: int = 0
    _looks: list[tuple[Look, str]] | None = None

    def take(self, arrival: Arrival, policy: Duplicates = "keep") -> Source | None:
        """Bring a file in; its source, also when it was known, None when it is left out as a
        duplicate. `policy` is for what looks like a source that is there.

        Raises:
            SwapdeckError: it cannot be used; the text says why.
        """
        if arrival.own:
            arrival = replace(arrival, file=_named_by_content(arrival.file))
        info = probe(arrival.file)
        if info.kind == "images":
            raise MediaError(f"{arrival.file} is a folder.")
        with self._part(arrival, info) as (arrival, info):
            return self._admit(arrival, info, policy)

    def attempt(self, arrival: Arrival, policy: Duplicates = "keep") -> Source | None:
        """`take`, with what cannot be used noted as a refusal."""
        try:
            return self.take(arrival, policy)
        except MediaError as error:
            self.refuse(str(arrival.file), error, arrival.named)
            return None

    def refuse(self, what: str, error: SwapdeckError, named: bool) -> None:
        """Note that something was not brought in."""
        refusal = Refused(what, str(error))
        self.refused.append(refusal)
        if named:
            self.named_refused.append(refusal)
        self.reporter.event("warning", text=f"Left out: {error}")

    def result(self, asked: Iterable[str]) -> Gathered:
        """The account. Raises GatherError when a named thing was refused, or when nothing came."""
        more = self.similar + len(self.skipped) - _SAID
        if more > 0:
            self.reporter.event(
                "warning", text=f"{count(more, 'more file')} look like others in the same way."
            )
        gathered = Gathered(
            tuple(self.added.values()),
            tuple(self.known.values()),
            tuple(self.skipped),
            tuple(self.refused),
            self.similar,
        )
        if self.named_refused or not (self.added or self.known or self.skipped):
            raise GatherError(self._summary(asked))
        return gathered

    def cut_out(self, arrival: Arrival, cut: Cut) -> Arrival:
        """The arrival of a part that has been cut out of what `arrival` stands for."""
        shown = f"{moment(cut.start)}-{moment(cut.end)}"
        name = arrival.name or arrival.file.name
        self.reporter.event(
            "warning",
            text=f"{printable(name)}: took {shown}. It is copied without encoding it anew, which "
            "can begin at a key frame only.",
        )
        about = replace(arrival.about, part=shown)
        name = Path(name).stem + cut.path.suffix
        return replace(arrival, file=cut.path, about=about, name=name, own=True)

    @contextmanager
    def _part(self, arrival: Arrival, info: MediaInfo) -> Iterator[tuple[Arrival, MediaInfo]]:
        """The wanted part of a video, cut out; anything else as it is. Lengths are checked."""
        start, end = self.settings.start, self.settings.end
        if info.kind != "video" or not self.settings.wants_part or arrival.about.part:
            if info.kind == "video":
                check_length(arrival.name or arrival.file.name, info.duration, self.settings)
            yield arrival, info
            return
        what = f"part of {arrival.file.absolute()} {start} {end}"
        with place_for(self.person, what) as place:
            cut = copy_part(
                arrival.file, place / "part", start=start, end=end, check=self.reporter.check
            )
            part = self.cut_out(arrival, cut)
            check_length(part.name, cut.end - cut.start, self.settings)
            yield part, probe(cut.path)

    def _admit(self, arrival: Arrival, info: MediaInfo, policy: Duplicates) -> Source | None:
        digest = sha256_file(arrival.file)
        known = find_source(self.person, digest)
        if known is not None:
            if known.digest not in self.added:
                self.known[known.digest] = known
            return known
        look = look_of(info)
        shown = printable(arrival.name or arrival.file.name)
        like = next((name for other, name in self._known_looks() if alike(look, other)), "")
        if like:
            self._say_similar(shown, like, policy)
            if policy == "skip":
                self.skipped.append(Refused(shown, f"It looks like {like}."))
                return None
            self.similar += 1
        about = replace(arrival.about, look=look.hashes, seconds=look.seconds)
        kind: Literal["video", "image"] = "video" if info.kind == "video" else "image"
        source, new = add_source(
            self.person,
            arrival.file,
            kind,
            arrival.origin,
            name=arrival.name,
            about=about,
            take=arrival.own,
            digest=digest,
        )
        (self.added if new else self.known)[source.digest] = source
        self._known_looks().append((look, source.name))
        return source

    def _say_similar(self, name: str, like: str, policy: Duplicates) -> None:
        if self.similar + len(self.skipped) >= _SAID:
            return
        then = (
            "was left out; --duplicates keep brings it in."
            if policy == "skip"
            else "was brought in all the same; --duplicates skip leaves such files out."
        )
        self.reporter.event("warning", text=f"{name} looks like {like}, which is there. It {then}")

    def _known_looks(self) -> list[tuple[Look, str]]:
        """What the person's sources look like; found out now where a record does not say."""
        if self._looks is not None:
            return self._looks
        self._looks = []
        try:
            sources = list_sources(self.person)
        except DamagedError as error:
            self.reporter.event("warning", text=f"Looks are not compared. {error}")
            return self._looks
        for source in sources:
            self.reporter.check()
            hashes, seconds = source.about.look, source.about.seconds
            if hashes is None:
                try:
                    look = look_of(probe(source.path))
                except MediaError:
                    look = Look(source.kind, ())
                hashes, seconds = look.hashes, look.seconds
                record_look(source, hashes, seconds)
            self._looks.append((Look(source.kind, hashes, seconds), source.name))
        return self._looks

    def _summary(self, asked: Iterable[str]) -> str:
        if self.named_refused:
            reasons = " ".join(refusal.reason for refusal in self.named_refused[:_TOLD])
            if len(self.named_refused) > _TOLD:
                more = len(self.named_refused) - _TOLD
                reasons += f" And {more} more could not be brought in: see the warnings."
            number = len(self.added) + len(self.known)
            if not number:
                return reasons
            came = count(number, "file")
            return f"{reasons} The rest was brought in for {self.person.name}: {came}."
        if self.refused:
            return (
                f"None of the {len(self.refused)} files could be used. The first: "
                f"{self.refused[0].reason}"
            )
        listed = ", ".join(asked)
        return f"There is no video and no picture in {listed}. Name the files, or another folder."


def check_length(what: str, seconds: float | None, settings: GatherSettings) -> None:
    """Raise MediaError for a video that is longer than was asked for."""
    limit = settings.max_duration
    if limit is not None and seconds is not None and seconds > limit:
        raise MediaError(
            f"{printable(what)} is {duration(seconds)} long, and {duration(limit)} are allowed. "
            "Allow more with --max-duration, or take a part with --from and --to."
        )


def moment(seconds: float) -> str:
    """A moment in a video: `1:20`, `1:02:05.5`."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    tail = f"{rest:04.1f}".removesuffix(".0")
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def _named_by_content(file: Path) -> Path:
    """A downloaded file under a name that says what its bytes are."""
    kind = picture_format(file)
    if kind is None and file.suffix.lower() in VIDEO_SUFFIXES:
        return file
    if kind is None:
        with open_video(file) as (container, _):
            suffix = _VIDEO_SUFFIX.get(container.format.name, ".mp4")
    else:
        suffix = _PICTURE_SUFFIX.get(kind, f".{kind.lower()}")
        if suffix not in PICTURE_SUFFIXES:
            suffix = ".png"  # too large to be opened: let the check of pictures say so
    named = file.with_suffix(suffix)
    if named != file:
        named.unlink(missing_ok=True)
        try:
            named.hardlink_to(file)  # the download stays whole until its place is cleared
        except OSError:
            file.rename(named)
    return named
