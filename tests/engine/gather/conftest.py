"""A web server that misbehaves in every way that a stranger's may, and clips to serve."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from engine.gather.settings import GatherSettings

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers by the function that stands for a path; speaks HTTP/1.1 and closes each time."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        self.close_connection = True
        answer = self.server.answers.get(self.path.partition("?")[0])
        with contextlib.suppress(OSError):
            if answer is None:
                self.reply(404, b"nothing here", "text/plain")
            else:
                answer(self)

    def do_HEAD(self) -> None:
        self.do_GET()

    def reply(self, code: int, body: bytes, kind: str = "video/mp4", **headers: str) -> None:
        """An honest answer; underscores in the headers' names stand for dashes."""
        self.head(code, kind, Content_Length=str(len(body)), **headers)
        self.wfile.write(body)

    def head(self, code: int, kind: str = "video/mp4", **headers: str) -> None:
        self.send_response(code)
        for name, value in {"Content_Type": kind, "Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def ranged(self, body: bytes, *, give: int | None = None, **headers: str) -> None:
        """The part that is asked for; `give`: no more than so many bytes, then the line goes."""
        start = int(self.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
        rest = body[start:]
        if "Range" in self.headers:
            headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        code = 206 if "Range" in self.headers else 200
        self.head(code, Content_Length=str(len(rest)), Accept_Ranges="bytes", **headers)
        self.wfile.write(rest if give is None else rest[:give])

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the tests' output."""


class Server(ThreadingHTTPServer):
    """`answers`: what is said at a path. `seen`: the requests, path and headers."""

    daemon_threads = True

    def __init__(self, host: str) -> None:
        super().__init__((host, 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.ending = threading.Event()

    def url(self, path: str) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients hang up here all the time."""


@contextlib.contextmanager
def serving(host: str) -> Iterator[Server]:
    server = Server(host)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving("127.0.0.1") as one:
        yield one


@pytest.fixture
def inner_server() -> Iterator[Server]:
    """A second one, at an address that a test may declare private."""
    with serving("127.0.0.2") as one:
        yield one


@pytest.fixture
def settings() -> GatherSettings:
    """Links to this machine are allowed, and nothing waits long."""
    return GatherSettings(
        allow_private=True, timeout=5.0, patience=5.0, wait=0.01, retries=2, max_size=50_000_000
    )


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def write_clip(
    path: Path, seconds: float = 4.0, seed: int = 0, key_every: int = 25, sound: bool = False
) -> Path:
    """A video at 25 frames a second: a blob that wanders over a textured ground."""
    rng = np.random.default_rng(seed)
    ground = cv2.resize(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8), (160, 120))
    with av.open(
        str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}
    ) as out:
        options = {"g": str(key_every), "crf": "12", "sc_threshold": "0"}
        stream = out.add_stream("libx264", rate=Fraction(25), options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        voice = out.add_stream("aac", rate=16000, layout="mono") if sound else None
        for number in range(round(seconds * 25)):
            image = ground.copy()
            centre = (int(80 + 60 * np.sin(number / 20 + seed)), int(60 + 40 * np.cos(number / 15)))
            cv2.circle(image, centre, 25, (40 * seed % 255, 200, 90), -1)
            image = np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        out.mux(stream.encode(None))
        if voice is not None:
            for number in range(int(seconds * 16000 / 1024)):
                wave = np.sin(np.arange(number * 1024, (number + 1) * 1024) / 8)[None] * 0.2
                frame = av.AudioFrame.from_ndarray(wave.astype(np.float32), "fltp", "mono")
                frame.sample_rate, frame.pts = 16000, number * 1024
                out.mux(voice.encode(frame))
            out.mux(voice.encode(None))
    return path


@pytest.fixture(scope="session")
def clip_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", sound=True)


@pytest.fixture(scope="session")
def clip_bytes(clip_path: Path) -> bytes:
    return clip_path.read_bytes()


def picture(seed: int, width: int = 320, height: int = 280) -> np.ndarray:
    """uint8 [height, width, 3]: soft shapes, other ones for each seed."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (7, 9, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def jpeg(seed: int, width: int = 320, height: int = 280, quality: int = 92) -> bytes:
    done = cv2.imencode(".jpg", picture(seed, width, height), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return done[1].tobytes()


def gif_header(width: int, height: int) -> bytes:
    """A GIF of two pictures that claims a size and holds 2x2 pixels."""
    import struct

    colours = bytes((0, 0, 0, 255, 255, 255))
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, 2, 2, 0) + b"\x02\x03\x84\x01\x05\x00"
    return (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + colours + picture * 2 + b";"
    )


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing."""
    import struct
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 4096)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def stream_of(path: Path, index: int) -> bytes:
    """One of a video's streams alone, as an MP4."""
    held = io.BytesIO()
    with av.open(str(path)) as source, av.open(held, "w", format="mp4") as target:
        track = source.streams[index]
        copy = target.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return held.getvalue()
