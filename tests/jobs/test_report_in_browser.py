"""The report in a real browser: it renders, its controls work by keyboard, and nothing leaves the page."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

import cellseg_monai as cs
from tests.jobs import browser
from tests.jobs.conftest import discs

EXECUTABLE = browser.find()
pytestmark = pytest.mark.skipif(
    EXECUTABLE is None, reason="no Chromium found: apt-get install chromium, or name one in CELLSEG_CHROMIUM"
)


@pytest.fixture(scope="module")
def page() -> Iterator[browser.Page]:
    assert EXECUTABLE is not None
    with browser.chromium(EXECUTABLE) as tab:
        yield tab


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of 200 images, with every kind of error and one prediction missing."""
    folder = tmp_path_factory.mktemp("set")
    for part in ("pred", "truth/images", "truth/masks"):
        (folder / part).mkdir(parents=True)
    random = np.random.default_rng(0)
    for number in range(200):
        truth = discs(96, random.integers(8, 88, (9, 2)).tolist(), 8)
        pred = truth * (truth != number % 5 + 1)
        pred[:, 40][pred[:, 40] > 0] = 20
        pred[pred == 6] = 7
        image = (truth > 0) * 900 + random.integers(0, 300, truth.shape)
        tifffile.imwrite(folder / f"truth/images/{number:03}.tif", image.astype(np.uint16))
        tifffile.imwrite(folder / f"truth/masks/{number:03}.tif", truth)
        if number != 50:
            tifffile.imwrite(folder / f"pred/{number:03}.tif", pred)
    cs.evaluate(folder / "pred", folder / "truth", folder / "out")
    return folder / "out/report.html"


@pytest.fixture
def opened(page: browser.Page, report: Path) -> browser.Page:
    page.open(report)
    return page


def test_200_images_open_in_less_than_two_seconds(page: browser.Page, report: Path) -> None:
    page.open(report)
    assert min(page.open(report) for _ in range(2)) < 2
    assert page.run("document.querySelectorAll('#images tbody tr').length") == 200
    assert page.run("document.querySelectorAll('figure.picture').length") == 9


def test_nothing_leaves_the_page_and_nothing_complains(page: browser.Page, report: Path) -> None:
    page.requests.clear()
    page.complaints.clear()
    page.open(report)
    page.run("document.querySelectorAll('button').forEach(button => button.click())")
    assert [url for url in page.requests if not url.startswith("data:")] == [report.resolve().as_uri()]
    assert page.complaints == []


def test_the_page_cannot_load_anything(opened: browser.Page) -> None:
    blocked = "fetch('https://example.org').then(() => 'loaded', () => 'blocked')"
    assert opened.run(blocked) == "blocked"
    opened.complaints.clear()
    opened.requests.clear()


def test_every_picture_and_plot_is_drawn(opened: browser.Page) -> None:
    assert opened.run("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert opened.run("[...document.querySelectorAll('svg')].every(plot => plot.getBBox().width > 100)")
    assert opened.run("document.querySelectorAll('#distribution circle').length") == 9 * 200


LAYERS = "[...document.querySelectorAll('[data-layer=missed]')]"


def test_a_layer_is_switched_by_keyboard(opened: browser.Page) -> None:
    visible = f"{LAYERS}.filter(layer => layer.offsetParent !== null).length"
    pressed = "document.querySelector('[data-toggle=missed]').getAttribute('aria-pressed')"
    before = opened.run(visible)
    assert before > 0
    assert opened.run(pressed) == "true"
    opened.run("document.querySelector('[data-toggle=missed]').focus()")
    opened.press(" ")
    assert (opened.run(visible), opened.run(pressed)) == (0, "false")
    opened.press(" ")
    assert (opened.run(visible), opened.run(pressed)) == (before, "true")


def test_a_layer_that_is_off_at_first(opened: browser.Page) -> None:
    visible = (
        "[...document.querySelectorAll('[data-layer=truth]')].some(layer => layer.offsetParent !== null)"
    )
    assert not opened.run(visible)
    opened.run("document.querySelector('[data-toggle=truth]').click()")
    assert opened.run(visible)


def test_switching_a_layer_changes_the_pixels(opened: browser.Page, tmp_path: Path) -> None:
    opened.run("document.querySelector('figure.picture').scrollIntoView({block: 'center'})")
    opened.picture(tmp_path / "with.png", whole=False)
    opened.run("document.querySelector('[data-toggle=missed]').click()")
    opened.picture(tmp_path / "without.png", whole=False)
    assert pixels(tmp_path / "with.png") != pixels(tmp_path / "without.png")


def test_zoom_by_keyboard_and_by_button(opened: browser.Page) -> None:
    wide = "document.querySelector('.stack').clientWidth / document.querySelector('.viewport').clientWidth"
    opened.run("document.querySelector('.viewport').focus()")
    assert opened.run(wide) == pytest.approx(1, abs=0.05)
    opened.press("+")
    opened.press("+")
    assert opened.run(wide) == pytest.approx(2.25, abs=0.1)
    assert opened.run("document.querySelector('.viewport').scrollLeft") > 0
    opened.run("document.querySelector('[data-zoom=fit]').click()")
    assert opened.run(wide) == pytest.approx(1, abs=0.05)


def test_the_table_is_sorted_and_filtered(opened: browser.Page) -> None:
    head = "document.querySelectorAll('#images th[scope=col]')[1]"
    column = (
        "[...document.querySelectorAll('#images tbody tr')].map(row => parseFloat(row.cells[1].textContent))"
    )
    opened.run(f"{head}.querySelector('button').focus()")
    opened.press("Enter")
    values = opened.run(column)
    assert values == sorted(values)
    assert opened.run(f"{head}.getAttribute('aria-sort')") == "ascending"
    opened.press("Enter")
    assert opened.run(column) == sorted(values, reverse=True)
    opened.run(
        "field = document.querySelector('#images input'); field.value = '05'; "
        "field.dispatchEvent(new Event('input'))"
    )
    assert opened.run("document.querySelector('#images [role=status]').textContent").endswith(" of 200")


def test_screen_readers_find_a_name_for_everything(opened: browser.Page) -> None:
    tree = opened.call("Accessibility.getFullAXTree")["nodes"]
    nameless = [
        node["role"]["value"]
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value")
        in {"button", "link", "image", "img", "searchbox", "table", "region"}
        and not node.get("name", {}).get("value")
    ]
    assert nameless == []
    roles = [node.get("role", {}).get("value") for node in tree]
    assert {"main", "navigation", "heading", "table"} <= set(roles)
    assert roles.count("main") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(page: browser.Page, report: Path, scheme: str) -> None:
    page.open(report, scheme=scheme)
    assert page.run(_CONTRAST) >= 4.5


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_does_not_scroll_sideways(page: browser.Page, report: Path, width: int) -> None:
    page.open(report, size=(width, 800))
    assert page.run("document.documentElement.scrollWidth <= innerWidth")


def test_comparison_renders(page: browser.Page, report: Path, tmp_path: Path) -> None:
    folder = report.parent
    page.complaints.clear()
    page.open(cs.report([folder, folder], tmp_path / "both.html"))
    assert page.run("document.querySelectorAll('#comparison svg').length") == 2
    assert page.complaints == []


def pixels(path: Path) -> bytes:
    """The decompressed samples of a PNG, still filtered: equal for equal pictures."""
    content, place, samples = path.read_bytes(), 8, b""
    while place < len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        samples += content[place + 8 : place + 8 + length] if kind == b"IDAT" else b""
        place += length + 12
    return zlib.decompress(samples)


# The least ratio of luminance, as WCAG 2 defines it, of texts and the nearest ground that is not transparent.
_CONTRAST = """(() => {
  const parts = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = colour => colour.slice(0, 3).map(v => linear(v / 255))
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = parts(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const ratio = element => {
    const style = getComputedStyle(element), svg = element instanceof SVGElement;
    const both = [light(parts(svg ? style.fill : style.color)), light(ground(element))];
    const [a, b] = both.sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  };
  const texts = 'p, h1, h2, h3, td, th, a, dt, dd, small, button, span, text';
  return Math.min(...[...document.querySelectorAll(texts)]
    .filter(element => element.textContent.trim() && !element.classList.contains('skip'))
    .map(ratio));
})()"""
