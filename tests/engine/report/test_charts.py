"""Charts of a report: SVGs that stand in the page, in its own colours."""

import math
import re
import xml.etree.ElementTree as ET

from engine.quality.frames import FrameFigures
from engine.report.charts import identity_chart, line_chart
from engine.report.curves import POINTS, thin, training_curves

LINE = [("loss", [(0.0, 1.0), (1.0, 0.5), (2.0, math.nan), (3.0, 0.2)])]


def drawn(name: str = "losses", **options: object) -> str:
    return line_chart(name, LINE, x="step", y="value", **options)


def test_a_chart_is_one_element_that_scales_and_says_what_it_is() -> None:
    root = ET.fromstring(drawn('of <b> & "c"', log=True, level=(0.4, "bound")))
    assert root.tag.endswith("svg")
    assert "width" not in root.attrib and "viewBox" in root.attrib
    assert root.attrib["aria-label"] == 'of <b> & "c"'


def test_its_words_are_words_in_the_pages_own_ink() -> None:
    chart = drawn()
    texts = ["".join(e.itertext()) for e in ET.fromstring(chart).iter() if e.tag.endswith("text")]
    assert {"step", "value", "loss"} <= set(texts)
    assert "currentColor" in chart and "#010203" not in chart
    assert "<style" not in chart


def test_two_charts_on_one_page_do_not_share_names() -> None:
    one, other = (set(re.findall(r' id="([^"]+)"', drawn(name))) for name in ("a", "b"))
    assert one and other and not one & other


def test_nothing_is_drawn_of_nothing() -> None:
    assert line_chart("x", [("a", [(0.0, 1.0)])], x="", y="") == ""
    assert line_chart("x", [("a", [(0.0, math.nan), (1.0, math.nan)])], x="", y="") == ""
    assert identity_chart("x", [FrameFigures(0, 0.0)]) == ""


def test_identity_is_shown_with_the_bound_of_one_person() -> None:
    frames = [
        FrameFigures(n, 0.0, to_source=0.3, to_target=0.6 + n / 100, own_to_target=0.2)
        for n in range(4)
    ]
    chart = identity_chart("whose", frames)
    assert "one person: up to 0.48" in chart
    assert "result to source" in chart and "result to target" in chart


def test_a_training_shows_losses_and_held_out_scores() -> None:
    history = [{"step": n, "loss": 1 / (n + 1), "losses": {"l1": 0.5}} for n in range(50)]
    scores = [
        {"step": n, "value": n / 9, "identity": 0.5, "landmarks": 0.2, "ssim": {"source": 0.8}}
        for n in range(5)
    ]
    (losses, one), (held_out, other) = training_curves(history, scores)
    assert losses == "Losses" and "l1" in one
    assert held_out == "Scores on held-out faces" and "SSIM of the source" in other
    assert "SSIM of the target" not in other
    assert training_curves(history[:1], []) == []


def test_thinning_keeps_what_a_logarithm_can_show() -> None:
    points = [(n, 1.0) for n in range(5000)] + [(5000, math.nan), (5001, 0.0), (5002, None)]
    thinned = thin(points)
    assert len(thinned) <= POINTS
    assert all(value == 1.0 for _, value in thinned)
