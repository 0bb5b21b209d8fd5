"""The parts of a report: page, stills, records of conversions."""

import base64
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape
from PIL import Image

from engine.media.pictures import png
from engine.quality.table import MEASURES, QualityTable, Row, written
from engine.report.page import ConversionPart, Report, render
from engine.report.record import ConversionRecord, list_records, save_record
from engine.report.stills import grid, jpeg
from projects.errors import DamagedError
from projects.people import Person
from projects.swaps import new_swap
from projects.workspace import Workspace

TABLE = QualityTable(
    (Row("swap", 19.1234, 0.8, 18.5, frames=3), Row("target unchanged")), 0.0, True
)


def report(**changes: object) -> Report:
    values: dict[str, object] = {
        "title": "<b>Ada & Ben</b>",
        "summary": [("face of", "Ada")],
        "conversions": [ConversionPart("clip.mp4", [("frames", "3")], b"jpeg", TABLE)],
        "curves": [("Losses", "<svg/>")],
        "preview": b"",
        "datasets": [("source: Ada", [("faces kept", "3")])],
        "settings": [("preset", "light-64")],
        "warnings": ["<script>alert(1)</script>"],
    }
    return Report(**(values | changes))


def test_a_page_holds_everything_it_shows() -> None:
    page = render(report())
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page)
    assert not re.search(r"url\((?!#)", page)
    assert "<script" not in page
    assert 'name="viewport"' in page


def test_names_on_a_page_are_text() -> None:
    page = render(report())
    assert "&lt;b&gt;Ada &amp; Ben&lt;/b&gt;" in page
    assert "&lt;script&gt;" in page


def test_a_page_explains_every_measure_and_shows_those_that_were_taken() -> None:
    page = render(report())
    assert page.count(">PSNR in place<") == 2 and page.count(">pose error<") == 1
    assert all(escape(measure.heading) in page and measure.about for measure in MEASURES)
    assert "19.12 dB" in page
    assert written(TABLE.rows[1], MEASURES[0]) == "-"


def test_a_page_without_conversions_says_so() -> None:
    assert "Nothing has been converted yet" in render(report(conversions=[]))


def test_a_table_survives_json() -> None:
    stored = json.loads(json.dumps(TABLE.as_dict()).replace("NaN", "null"))
    again = QualityTable.from_dict(stored)
    assert again.rows[0].registered_psnr == TABLE.rows[0].registered_psnr
    assert math.isnan(again.rows[1].registered_psnr)


def test_stills_stand_in_columns_under_captions() -> None:
    picture = np.full((30, 40, 3), 200, np.uint8)
    sheet = grid([[picture, picture], [picture, picture]], ["target", "swap"], 60)
    decoded = np.asarray(Image.open(io.BytesIO(png(sheet))))
    assert np.array_equal(decoded, sheet)
    assert (sheet[60, 40] == 200).all()
    assert jpeg(sheet).startswith(b"\xff\xd8")
    with pytest.raises(ValueError, match="no pictures"):
        grid([[]], ["target"], 60)


def test_records_of_conversions_come_back(workspace: Workspace, ada: Person, ben: Person) -> None:
    swap = new_swap(workspace, "x", ada.slug, ben.slug, preset="light-64", seed=1, settings={})
    record = ConversionRecord("/in/clip.mp4", "/out/clip.mp4", 6, 20, 19, 1.5, reverse=True)
    path = save_record(swap, record)
    assert list_records(swap) == [record]
    path.write_text(json.dumps({"version": 1, "input": "x"}))
    with pytest.raises(DamagedError, match="convert again"):
        list_records(swap)


def test_a_page_decodes_back_to_its_pictures() -> None:
    [encoded] = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", render(report()))
    assert base64.b64decode(encoded) == b"jpeg"


def test_a_face_sheet_frames_what_was_rejected(tmp_path: Path) -> None:
    from engine.report.sheet import CELL, LABEL, REJECTED, face_sheet
    from projects.faces import FaceRow

    Image.fromarray(np.full((256, 256, 3), 90, np.uint8)).save(tmp_path / "a.png")

    def face(number: int, kept: bool, crop: str) -> FaceRow:
        box = (0, 0, 90, 90)
        reason = "" if kept else "blurred"
        return FaceRow(
            id=number,
            source="d",
            frame=0,
            time=0.0,
            box=box,
            yaw=0.0,
            pitch=0.0,
            roll=0.0,
            sharpness=1.0,
            crop=crop,
            kept=kept,
            reason=reason,
        )

    faces = [face(1, True, "a.png"), face(2, False, "a.png"), face(3, True, "gone.png")]
    sheet = face_sheet(tmp_path, faces, 2)
    assert sheet.shape == (2 * (CELL + LABEL), 2 * CELL, 3)
    assert (sheet[CELL // 2, CELL // 2] == 90).all()
    assert tuple(sheet[0, CELL + 5]) == REJECTED
