"""The page in a browser: by mouse and by keyboard, on a desk and on a phone, and it asks nothing of any other host."""

import pytest

from tests.report.test_browser import CONTRASTS
from tests.serve.conftest import TOKEN
from tests.serve.waiting import wait_until

SIZES = pytest.mark.parametrize(("width", "dark"), [(390, True), (1440, False)], ids=["phone, dark", "desktop, light"])


class Visit:
    """A page of a service; `problems` are what its console and its requests had to say."""

    def __init__(self, context, served, path):
        self.problems, self._own = [], served.url
        self.page = context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("request", self._seen)
        self.page.goto(served.url + path)

    def _seen(self, request):
        if not request.url.startswith((self._own, f"blob:{self._own}", "data:")):
            self.problems.append(f"request: {request.url}")

    def fits(self):
        """Whether nothing is wider than the window and all text can be read."""
        page = self.page
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        ratios = page.evaluate(CONTRASTS)
        return not wide and min(ratio for _, ratio in ratios) >= 4.5

    def until(self, expression):
        wait_until(lambda: self.page.evaluate(expression))

    def tab_to(self, selector):
        """Press Tab till the element of that selector has the focus."""
        for _ in range(40):
            if self.page.evaluate("(one) => document.activeElement.matches(one)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab does not come to {selector}")


@pytest.fixture
def visit(chromium):
    """visit(served, path="/", width=..., dark=...) -> Visit; afterwards no page may have had a problem."""
    visits, contexts = [], []

    def call(served, path="/", *, width=1280, dark=False):
        contexts.append(
            chromium.new_context(viewport={"width": width, "height": 844}, color_scheme="dark" if dark else "light")
        )
        visits.append(Visit(contexts[-1], served, path))
        return visits[-1]

    yield call
    for context in contexts:
        context.close()
    assert [problem for one in visits for problem in one.problems] == []


@SIZES
def test_a_file_is_sent_made_played_and_removed(visit, served, media, width, dark):
    seen = visit(served, width=width, dark=dark)
    page = seen.page
    page.locator("#template").select_option(label="A file of mine…")
    page.locator("#file-face").set_input_files(media / "face.mp4")
    page.locator("#file-speech").set_input_files(media / "speech.wav")
    page.locator("#more summary").click()
    page.locator("#option-loud").check()
    assert seen.fits()
    page.locator("#send").click()
    card = page.locator("#jobs li")
    card.locator(".words", has_text="Done").wait_for()
    assert card.locator(".name").inner_text() == "face.mp4 · speech.wav"
    seen.until("document.querySelector('video')?.duration > 0.3 && document.querySelector('video').videoWidth === 64")
    with page.expect_download() as download:
        card.locator(".download").click()
    assert download.value.suggested_filename.startswith("fake-")
    assert download.value.path().read_bytes() == (media / "face.mp4").read_bytes()
    assert seen.fits()
    page.reload()
    card.locator("video").wait_for()  # the browser knows its jobs
    card.get_by_role("button", name="Remove").click()
    page.locator("#none").wait_for()
    assert page.evaluate("document.activeElement.id") == "send"


def test_by_keyboard_with_progress_and_cancelled(visit, served, media):
    seen = visit(served)
    page = seen.page
    page.locator("#send").wait_for()
    seen.tab_to("#template")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("#template").input_value() == "anchor"
    seen.tab_to("#file-speech")
    page.locator("#file-speech").set_input_files(media / "speech.wav")
    seen.tab_to("#more summary")
    page.keyboard.press("Enter")
    seen.tab_to("#option-pace")
    page.keyboard.press("Control+a")
    page.keyboard.type("20")
    page.keyboard.press("Enter")  # sends the form
    page.locator("#jobs .words", has_text="Being made, 1").wait_for()
    seen.until("document.querySelector('#jobs progress').value > 0.1")
    seen.tab_to("#jobs .cancel")
    page.keyboard.press("Enter")
    page.locator("#jobs .words", has_text="Cancelled").wait_for()
    assert page.locator("#jobs .cancel").is_hidden()
    assert page.evaluate("document.activeElement.className") == "name"


def test_a_text_is_written_by_keyboard_and_heard(visit, speaker):
    seen = visit(speaker, width=390, dark=True)
    page = seen.page
    page.locator("#send").click()
    assert page.locator("#said").inner_text() == "Nothing is written yet: text."
    assert page.evaluate("document.activeElement.id") == "text-text"
    page.keyboard.type("Grüße.")
    page.keyboard.press("Enter")  # a new line, and nothing is sent
    page.keyboard.type("Say this, which is a text of more than sixty characters, aloud.")
    assert seen.fits()
    seen.tab_to("#send")
    page.keyboard.press("Enter")
    card = page.locator("#jobs li")
    card.locator(".words", has_text="Done").wait_for()
    assert card.locator(".name").inner_text() == "Grüße. Say this, which is a text of more than sixty characte … · her"
    seen.until("document.querySelector('audio')?.duration === 1")
    said = speaker.job(card.get_attribute("data-id"))["facts"]["text"]
    assert said.splitlines() == ["Grüße.", "Say this, which is a text of more than sixty characters, aloud."]
    assert seen.fits()


def test_what_is_wrong_is_said(visit, served, media):
    seen = visit(served)
    page = seen.page
    page.locator("#send").click()
    assert page.locator("#said").inner_text() == "Choose a file: speech."
    assert page.evaluate("document.activeElement.id") == "file-speech"
    page.locator("#file-speech").set_input_files(media / "ckpt")
    page.locator("#send").click()
    page.locator("#said.bad", has_text="speech: is not a media file").wait_for()
    page.locator("#file-speech").set_input_files(media / "speech.wav")
    page.locator("#more summary").click()
    page.locator("#option-act").select_option("fail")
    page.locator("#send").click()
    page.locator("#jobs .error", has_text="no face in any of its pictures").wait_for()
    assert page.locator("#jobs .words").inner_text() == "Failed"
    assert all("422" in problem for problem in seen.problems)  # as the console tells of it
    seen.problems.clear()


def test_it_asks_for_the_token(visit, guarded, media):
    seen = visit(guarded, width=390)
    page = seen.page
    page.locator("#token").fill("wrong")
    page.keyboard.press("Enter")
    page.locator("#token-said", has_text="not the token").wait_for()
    assert seen.fits()
    page.locator("#token").fill(TOKEN)
    page.keyboard.press("Enter")
    page.locator("#file-speech").set_input_files(media / "speech.wav")
    page.locator("#send").click()
    page.locator("#jobs .words", has_text="Done").wait_for()
    with page.expect_download() as download:
        page.locator("#jobs .download").click()
    assert download.value.path().read_bytes() == (media / "anchor.mp4").read_bytes()
    assert all("401" in problem for problem in seen.problems)
    seen.problems.clear()


def test_with_a_token_a_result_is_fetched_when_it_is_wanted_and_let_go(visit, guarded, media):
    known = {"authorization": f"Bearer {TOKEN}"}
    speech = {"speech": (media / "speech.wav").read_bytes()}
    job = guarded.ask("POST", "/jobs", files=speech, data={"template": "anchor"}, headers=known).json()
    wait_until(lambda: guarded.ask("GET", f"/jobs/{job['id']}", headers=known).json()["state"] == "done")
    seen = visit(guarded)
    page, asked = seen.page, []
    page.locator("#token").wait_for()
    page.on("request", lambda request: asked.append(request.url.removeprefix(guarded.url)))
    page.evaluate(
        """([token, jobs]) => {
            sessionStorage.setItem("tk-serve token", token);
            localStorage.setItem("tk-serve jobs", JSON.stringify(jobs));
        }""",
        [TOKEN, [{"id": "0" * 32, "name": "expired"}, {"id": job["id"], "name": "mine"}]],
    )
    page.reload()
    page.locator("#jobs .words", has_text="Done").wait_for()
    assert page.locator("#jobs .name").all_inner_texts() == ["mine"], "one that has expired is not shown"
    assert page.evaluate("document.activeElement === document.body"), "nobody asked for the focus to move"
    assert not any(address.endswith("/result") for address in asked)
    page.locator("#jobs .play").click()
    seen.until("document.querySelector('video')?.videoWidth === 64")
    assert page.locator("#jobs .play").is_hidden()
    with page.expect_download() as download:
        page.locator("#jobs .download").click()
    assert download.value.path().read_bytes() == (media / "anchor.mp4").read_bytes()
    assert asked.count(f"/jobs/{job['id']}/result") == 1
    page.evaluate("URL.revokeObjectURL = (address) => { window.revoked = address; }")
    address = page.locator("video").get_attribute("src")
    page.get_by_role("button", name="Remove").click()
    page.locator("#none").wait_for()
    assert page.evaluate("[window.revoked, document.activeElement.id]") == [address, "send"]
    assert all("401" in problem or "404" in problem for problem in seen.problems)
    seen.problems.clear()


@SIZES
def test_the_routes_are_explained_without_another_host(visit, served, width, dark):
    seen = visit(served, "/docs", width=width, dark=dark)
    seen.page.locator("#routes section").first.wait_for()
    told = seen.page.locator("#routes").inner_text()
    for words in ("POST /jobs", "/jobs/{identity}/result", "/upload-audio", "template", "429", "speech"):
        assert words in told
    assert seen.fits()
