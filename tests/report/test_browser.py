"""The page in a browser: it asks nothing of any network, and mouse and keyboard do the same."""

import pytest

from tests.media import H264, write_click_wav, write_clip
from tests.report.test_page import HOSTILE, systems
from tk_tools.files.sync_file import create_sync_file
from tk_tools.report.media import shown
from tk_tools.report.page import ReportOptions, make_page
from tk_tools.report.rows import Row

SSIM = {"a": 0.7, "b": 0.9, "c": 0.8}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """made/ and real/ with clips of every name of SSIM, and a sound."""
    folder = tmp_path_factory.mktemp("clips")
    for place in ("made", "real"):
        (folder / place).mkdir()
        for name in SSIM:
            write_clip(
                folder / place / f"{name}.mp4", frames=25, sound=1.0, options=("-c:v", "libx264", "-pix_fmt", "yuv420p")
            )
    write_click_wav(folder / "made" / "voice.wav")
    return folder


def rows_of(clips, place="made", less=0.0):
    return [
        Row(
            str(clips / place / f"{name}.mp4"),
            reference=str(clips / "real" / f"{name}.mp4"),
            numbers={"ssim": ssim - less, "lmd": 1 + ssim, "frames": 25.0},
            facts={"tool": "tk-eval-video 1"},
        )
        for name, ssim in SSIM.items()
    ]


@pytest.fixture(scope="module")
def report(clips):
    """A report of three clips and a failed one, with a sync curve of one."""
    curves = clips / "made.sync.h5"
    weights = clips / "weights"
    weights.write_bytes(b"w")
    with create_sync_file(curves, judge=weights, protocol={"max_shift": 3, "fps": 25}) as file:
        curve = [7.5, 7.0, 6.0, 8.0, 8.5, 8.0, 9.0]  # from offset 3 down to -3
        file.append(clips / "made" / "a.mp4", curve=curve, distance=[curve])
    rows = [*rows_of(clips), Row(str(clips / "made" / "torn.mp4"), error="is not a media file")]
    return make_page(clips / "out", systems(rows), curves=[curves]).path


@pytest.fixture(scope="module")
def comparison(clips):
    tables = [rows_of(clips), rows_of(clips, "real", less=0.1)]
    return make_page(clips / "against", systems(*tables), ReportOptions(compare=True, embed=0)).path


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)], ids=["phone, dark", "desktop, light"])
def test_it_fits_and_can_be_read(visit, report, comparison, width, dark):
    for path in (report, comparison):
        page = visit(path, width=width, height=844, dark=dark).page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("#table tbody tr[data-index]").first.click()
        page.wait_for_selector("#detail[open]")
        assert page.evaluate("document.getElementById('detail').scrollWidth") <= width
        ratios = page.evaluate(CONTRASTS)
        assert min(ratio for _, ratio in ratios) >= 4.5, sorted(ratios, key=lambda found: found[1])[:3]


CONTRASTS = """() => {
  const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb(colour).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const elsewhere = "svg, script, button:disabled, .hidden, noscript, select";
  const says = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  const texts = [...document.querySelectorAll("body *")].filter((one) => !one.closest(elsewhere) && says(one));
  return texts.map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(paper(one))].sort((x, y) => y - x);
    return [one.outerHTML.slice(0, 80), (a + 0.05) / (b + 0.05)];
  });
}"""


def test_worst_come_first_and_a_click_sorts(visit, report):
    seen = visit(report)
    assert seen.names() == ["a.mp4", "c.mp4", "b.mp4", "torn.mp4"]
    header = seen.page.locator("#table thead th")
    assert header.nth(1).get_attribute("aria-sort") == "ascending"
    header.nth(1).get_by_role("button").click()
    assert seen.names() == ["b.mp4", "c.mp4", "a.mp4", "torn.mp4"]
    assert header.nth(1).get_attribute("aria-sort") == "descending"
    header.nth(2).get_by_role("button").click()  # of LMD less is better
    assert seen.names() == ["b.mp4", "c.mp4", "a.mp4", "torn.mp4"]
    assert header.nth(2).get_attribute("aria-sort") == "descending"
    assert header.nth(1).get_attribute("aria-sort") is None
    assert seen.page.locator("#measure").evaluate("one => one.selectedOptions[0].textContent") == "LMD"
    assert seen.page.locator("#worst-list .name").first.inner_text().endswith("b.mp4")


def test_sorted_by_keyboard(visit, report):
    seen = visit(report)
    seen.page.locator("#filter").focus()
    seen.page.keyboard.press("Tab")  # the frame that scrolls, or the first header
    while "Clip" not in seen.focused():
        seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    assert seen.names() == ["a.mp4", "b.mp4", "c.mp4", "torn.mp4"]
    assert "Clip" in seen.focused()
    seen.page.keyboard.press("Space")
    assert seen.names() == ["torn.mp4", "c.mp4", "b.mp4", "a.mp4"]


def test_rows_and_details_by_keyboard(visit, report):
    seen = visit(report)
    page = seen.page
    page.keyboard.press("j")
    assert seen.focused().startswith("a.mp4")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    assert seen.focused().startswith("c.mp4")
    page.keyboard.press("Enter")
    assert page.locator("#detail-title").inner_text() == "c.mp4"
    page.keyboard.press("j")
    assert page.locator("#detail-title").inner_text() == "b.mp4"
    page.keyboard.press("Escape")
    assert not page.locator("#detail").is_visible()
    page.locator(":focus", has_text="b.mp4").wait_for()  # the page hears of the end of a dialog a moment later
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    assert page.locator("#detail-title").inner_text() == "a.mp4"


def test_filter(visit, report):
    seen = visit(report)
    page = seen.page
    page.keyboard.press("/")
    page.keyboard.type("B.MP")
    assert seen.names() == ["b.mp4"]
    assert page.locator("#shown").inner_text() == "1 of 4 shown"
    page.keyboard.press("Escape")
    assert len(seen.names()) == 4
    for text, names in {
        "ssim<0.85": ["a.mp4", "c.mp4"],
        "ssim >= 0.8 .mp4 lmd<1.85": ["c.mp4"],
        "media file": ["torn.mp4"],
    }.items():
        page.locator("#filter").fill(text)
        assert seen.names() == names
    page.locator("#filter").fill("nothing of the kind")
    assert seen.names() == []
    assert "No clip matches" in page.locator("#table").inner_text()


def test_a_clip_with_all_that_is_known_of_it(visit, report):
    seen = visit(report)
    page = seen.page
    page.locator("#worst-list button").first.click()
    assert page.locator("#detail-title").inner_text() == "a.mp4"
    assert page.locator("#detail video").count() == 2
    videos = "[...document.querySelectorAll('#detail video')]"
    seen.until(f"{videos}.every((one) => one.duration > 0.9 && one.videoWidth === 64)")
    page.get_by_role("button", name="Play together").click()
    seen.until(f"{videos}.every((one) => one.currentTime > 0.1)")
    for kind in ("sheet", "mel"):
        pictures = page.locator(f"#detail img.{kind}")
        assert pictures.count() == 2
        assert pictures.first.evaluate("one => one.decode().then(() => one.naturalWidth)") > 50
    assert "least at 1 frames" in page.locator("#detail svg.curve").get_attribute("aria-label")
    words = page.locator("#detail-body").inner_text()
    for said in ("SSIM", "0.7000", "1 of 3", "tk-eval-video 1"):
        assert said in words


def test_linked_clips_play_and_moved_ones_are_told(visit, clips, tmp_path):
    made = write_clip(tmp_path / "x.mp4", frames=10, sound=None, options=H264)
    gone = tmp_path / "gone.mp4"
    gone.write_bytes(made.read_bytes())
    rows = [
        Row(str(made), numbers={"ssim": 0.1}),
        Row(str(clips / "made" / "voice.wav"), numbers={"ssim": 0.2}),
        Row(str(gone), numbers={"ssim": 0.3}),
    ]
    path = make_page(tmp_path / "out", systems(rows), ReportOptions(embed=0)).path
    gone.unlink()
    seen = visit(path)
    for number, media in enumerate(["video", "audio"]):
        seen.page.locator("#table tbody tr[data-index]").nth(number).click()
        seen.until(f"document.querySelector('#detail {media}').duration > 0.3")
        seen.page.keyboard.press("Escape")
    seen.page.locator("#table tbody tr[data-index]").nth(2).click()
    seen.page.get_by_text("It cannot be played here").wait_for()
    assert all("ERR_FILE_NOT_FOUND" in problem for problem in seen.problems)
    seen.problems.clear()


def test_hostile_names_stay_text(visit, tmp_path):
    rows = [Row(name, reference=name, numbers={"ssim": n / 10}, facts={"<i>": name}) for n, name in enumerate(HOSTILE)]
    rows.append(Row("<img src=x onerror=alert(2)>", error="<img src=x onerror=alert(3)>"))
    seen = visit(make_page(tmp_path, systems(rows), ReportOptions(title="<img src=x onerror=alert(4)>")).path)
    assert seen.names() == [*map(shown, HOSTILE), "<img src=x onerror=alert(2)>"]
    for number in range(len(rows)):
        seen.page.locator("#table tbody tr[data-index]").nth(number).click()
        assert seen.page.locator("#detail-title").inner_text() == seen.names()[number]
        seen.page.keyboard.press("Escape")
    assert seen.page.locator("img").count() == 0
    assert seen.page.title() == "<img src=x onerror=alert(4)>"


def test_ten_thousand_rows_scroll(visit, tmp_path):
    rows = [Row(f"clip {n:05d}.mp4", numbers={"ssim": n / 10_000}) for n in range(10_000)]
    seen = visit(make_page(tmp_path, systems(rows)).path)
    assert seen.page.locator("#table").get_attribute("aria-rowcount") == "10001"
    assert 10 < len(seen.names()) < 100
    assert seen.names()[0] == "clip 00000.mp4"
    seen.page.locator("#table-frame").evaluate("one => { one.scrollTop = 5000 * 40; }")
    seen.page.get_by_text("clip 05003.mp4").wait_for()
    assert len(seen.names()) < 100
    seen.page.keyboard.press("j")
    seen.page.keyboard.press("End")
    assert seen.focused().startswith("clip 09999.mp4")
    assert seen.page.locator("#table tbody tr:focus").is_visible()
    seen.page.locator("#filter").fill("0999")
    assert len(seen.names()) == 10 + 1  # 0999?, and 09990 to 09999 hold it too: 00999 is the eleventh


def test_two_systems_side_by_side(visit, comparison):
    seen = visit(comparison)
    page = seen.page
    assert page.locator("#table thead th").all_inner_texts()[1:4] == ["made", "real", "▲Difference"]
    assert page.locator("#table tbody tr[data-index] td").all_inner_texts()[2] == "−0.1000"
    page.locator("#measure").select_option(label="LMD")
    assert page.locator("#table tbody tr[data-index] td").all_inner_texts()[2] == "0.000"
    page.locator("#worst-list button").first.click()
    assert page.locator("#detail video").count() == 2  # the second system is the reference itself
    assert page.locator("#detail thead").inner_text().split() == ["Measure", "made", "real", "Difference"]
    assert page.locator(".comparison tbody tr").count() == 2


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)], ids=["phone, dark", "desktop, light"])
def test_systems_that_were_not_measured_alike(visit, tmp_path, width, dark):
    tables = [
        [Row("a.mp4", numbers={"ssim": 0.5}, facts={"tool": "tk-eval-video 1", "protocol window": window})]
        for window in ("gaussian", "<b>" + 90 * "w")
    ]
    options = ReportOptions(compare=True)
    page = visit(make_page(tmp_path, systems(*tables), options).path, width=width, dark=dark).page
    notice = page.get_by_role("region", name="Comparison", exact=True).get_by_role("note")
    assert notice.locator("li").all_inner_texts() == [f"tk-eval-video window: A gaussian; B <b>{90 * 'w'}"]
    method = page.get_by_role("region", name="Method").locator(".apart")
    assert method.inner_text().split() == ["window", "A", "gaussian;", "B", f"<b>{90 * 'w'}"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert min(ratio for _, ratio in page.evaluate(CONTRASTS)) >= 4.5


def test_of_a_measure_that_is_best_at_a_number_the_distance_from_it_counts(visit, tmp_path):
    old, new = ({"a": -4.0, "b": 1.0, "c": 2.0}, {"a": 3.0, "b": -6.0, "c": 2.0})
    tables = [[Row(f"{name}.mp4", numbers={"offset": value}) for name, value in found.items()] for found in (old, new)]
    seen = visit(make_page(tmp_path, systems(*tables), ReportOptions(compare=True)).path)
    assert seen.names() == ["b", "c", "a"]
    assert seen.page.locator("#table thead th").all_inner_texts()[3] == "▼Further from 0"
    assert seen.page.locator("#table tbody tr[data-index] td").all_inner_texts()[2::3] == ["+5", "0", "−1"]
