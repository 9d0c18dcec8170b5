"""A figure as a file: its letters have ink, nothing that was said on the screen is lost, and it is as wide as asked for."""

import io
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.analysis import Analysis
from core.charts.survival_chart import survival_chart
from core.cohort import Filter
from core.export import figures
from core.export.figures import Figure, figure_bytes, painted, pdf_bytes, png_bytes, svg_text
from core.export.view_figures import attrition_figure, curve_figure, ratio_figure, two_ratios_figure
from core.registry import read_registry
from core.survival import Outcome, kaplan_meier
from core.view import make_view

ROOT = Path(__file__).parents[3]
REGISTRY = read_registry(ROOT / "data" / "sample")
SVG = "{http://www.w3.org/2000/svg}"


def view(page="survival", filters=(), **chosen):
    return Analysis(REGISTRY, make_view(REGISTRY, page, filters, chosen))


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text") if element.text]


def dark(png, box=None):
    """How many pixels of a picture, or of a part of it in shares of its size, are darker than the palest letter."""
    picture = Image.open(io.BytesIO(png)).convert("L")
    if box is not None:
        picture = picture.crop([round(share * picture.size[i % 2]) for i, share in enumerate(box)])
    return int((np.asarray(picture) < 130).sum())


def chinese(label="较晚期"):
    outcome = Outcome(np.array([1.0, 2, 3, 4, 5, 6]), np.array([1, 0, 1, 1, 0, 1]))
    strata = pd.Series(pd.Categorical(["A", "A", "A", label, label, label]))
    return survival_chart(kaplan_meier(outcome, strata), levels=("A", label), y_title="生存")


def test_the_numbers_at_risk_the_test_and_the_source_are_on_the_figure():
    said = texts(svg_text(curve_figure(view())))
    assert {"At risk", "Censored", "Events", "28", "23", "Earlier", "Later", "Synthetic sample"} <= set(said)
    assert "Log-rank test: p = 0.057" in said
    assert "Survival by stage" in said
    assert any(text.startswith("Synthetic sample. 51 of 51 patients, grouped by Stage.") for text in said)


def test_the_notice_about_what_is_known_only_later_travels_with_the_figure():
    said = " ".join(texts(svg_text(curve_figure(view(by="STS courses")))))
    assert "known only after diagnosis" in said
    assert "Log-rank" not in said
    filtered = view(filters=(Filter("sts_courses", low=3),))
    for figure in (ratio_figure(filtered, REGISTRY.dictionary.headline), attrition_figure(filtered)):
        assert "known only after diagnosis" in " ".join(texts(svg_text(figure)))


def test_a_drawing_without_its_letters_has_less_ink(monkeypatch):
    """The letters of the risk table under the curve are drawn, not only named: without them the place is empty."""
    figure, table = curve_figure(view()), (0.0, 0.75, 1.0, 0.93)
    drawn = dark(png_bytes(figure, dpi=150), table)
    assert drawn > 800
    whole = svg_text(figure)
    monkeypatch.setattr(figures, "svg_text", lambda *_, **__: re.sub(r"<text.*?</text>", "", whole))
    assert dark(png_bytes(figure, dpi=150), table) < drawn / 20


@pytest.mark.skipif(
    not shutil.which("fc-list") or "CJK" not in subprocess.run(["fc-list"], capture_output=True, text=True).stdout,
    reason="no Chinese font on this machine",
)
def test_chinese_letters_are_drawn_and_differ_from_one_another():
    pictures = [png_bytes(Figure(chinese(label)), width_mm=120, dpi=150) for label in ("较晚期", "早期组", "口口口")]
    assert len(set(pictures)) == 3  # a missing letter is the same box, whatever it was
    title = [Figure(chinese(), text) for text in ("生存曲线", "口口口口")]
    head = (0.0, 0.0, 0.5, 0.08)
    ink = [dark(png_bytes(figure, width_mm=120, dpi=150), head) for figure in title]
    assert min(ink) > 150
    assert ink[0] != ink[1]


@pytest.mark.parametrize(("width_mm", "dpi"), [(85, 300), (180, 150), (180, 600)])
def test_a_png_has_the_width_and_the_resolution_asked_for(width_mm, dpi):
    picture = Image.open(io.BytesIO(png_bytes(curve_figure(view()), width_mm=width_mm, dpi=dpi)))
    assert picture.width == pytest.approx(width_mm / 25.4 * dpi, abs=1.5)
    assert picture.info["dpi"][0] == pytest.approx(dpi, rel=0.01)
    assert picture.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_a_pdf_is_as_wide_and_holds_its_fonts():
    pdf = pdf_bytes(curve_figure(view()), width_mm=180)
    box = re.search(rb"/MediaBox ?\[ ?0 0 ([\d.]+)", pdf)
    assert float(box[1]) == pytest.approx(180 / 25.4 * 72, abs=1)
    assert b"/FontFile" in pdf


def test_a_wide_forest_plot_has_its_plot_and_a_narrow_one_is_a_table():
    figure = ratio_figure(view(), REGISTRY.dictionary.headline)
    assert "← lower hazard" in texts(svg_text(figure, width_mm=180))
    assert "← lower hazard" not in texts(svg_text(figure, width_mm=85))


@pytest.mark.parametrize("width_mm", [60, 85, 150, 180, 300])
def test_every_figure_has_its_words_and_stays_on_the_paper(width_mm):
    competing = view("outcomes", endpoint="Resolution of lesions")
    made = [
        curve_figure(view()), curve_figure(competing), attrition_figure(view()),
        two_ratios_figure(competing, REGISTRY.dictionary.headline),
    ]  # fmt: skip
    for figure in made:
        root = ElementTree.fromstring(svg_text(figure, width_mm=width_mm))
        assert root.get("role") == "img"
        assert figure.chart.alt in root.get("aria-label")
        assert root.find(f"{SVG}title").text == figure.title
        _, _, width, height = (float(number) for number in root.get("viewBox").split())
        inner = next(element for element in root.iter(f"{SVG}svg") if element is not root)
        move, scale = re.match(
            r"translate\(([\d.,]+)\) scale\(([\d.]+)\)", root.find(f"{SVG}g[@transform]").get("transform")
        ).groups()
        x, y = (float(number) for number in move.split(","))
        assert x + float(inner.get("width")) * float(scale) <= width + 0.5
        assert y + float(inner.get("height")) * float(scale) <= height


def test_no_name_of_a_theme_colour_is_left_and_the_colours_are_those_of_the_light_theme():
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]["light"]
    assert figures.COLOURS["gray"] == config["grayColor"]
    assert figures.COLOURS["primary"] == config["primaryColor"]
    assert list(figures.SERIES) == config["chartCategoricalColors"]
    for figure in (curve_figure(view()), ratio_figure(view(), REGISTRY.dictionary.headline), attrition_figure(view())):
        svg = svg_text(figure)
        assert not re.search(r'(fill|stroke)="(gray|primary|orange)"', svg)
        assert figures.COLOURS["gray"] in svg


def test_a_text_that_is_the_name_of_a_colour_stays_a_text():
    spec = {"layer": [{"encoding": {"text": {"value": "gray"}, "color": {"value": "gray"}}}], "datasets": {}}
    encoding = painted(spec, 400)["layer"][0]["encoding"]
    assert encoding["text"]["value"] == "gray"
    assert encoding["color"]["value"] == figures.COLOURS["gray"]


def test_labels_with_signs_of_a_markup_language_do_not_break_the_file():
    figure = Figure(chinese('<b> & "x"'), 'A < B & "C"', "1 < 2 & 3")
    assert 'A < B & "C"' in texts(svg_text(figure))


def test_a_width_or_a_format_that_does_not_exist_is_refused():
    figure = Figure(chinese())
    with pytest.raises(ValueError, match="width in mm"):
        svg_text(figure, width_mm=20)
    with pytest.raises(ValueError, match="dpi"):
        png_bytes(figure, dpi=5000)
    with pytest.raises(ValueError, match="SVG, PNG, PDF"):
        figure_bytes(figure, "GIF")
