"""A visit to the page in the browser of tests/conftest.py, in which nothing may be asked of any network."""

import time

import pytest


class Visit:
    """A page that was opened from disk; `problems` are what its console and its requests had to say."""

    def __init__(self, context, path):
        self.problems = []
        self.page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", self._seen)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("#table tbody tr[data-index]")

    def _seen(self, request):
        if not request.url.startswith(("data:", "file:")):
            self.problems.append(f"request: {request.url}")

    def until(self, expression):
        """Wait till it holds: asked from outside, since the page lets no text become a script."""
        end = time.monotonic() + 20
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, expression
            self.page.wait_for_timeout(50)

    def names(self):
        """The clips as the table shows them, from its top."""
        return self.page.locator("#table tbody tr[data-index] th").all_inner_texts()

    def focused(self):
        """What the focused element says."""
        return self.page.evaluate("document.activeElement.innerText || document.activeElement.id")


@pytest.fixture
def visit(chromium):
    """visit(path, width=..., dark=...) -> Visit; afterwards no page may have had a problem."""
    visits, contexts = [], []

    def call(path, *, width=1280, height=900, dark=False):
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        visits.append(Visit(context, path))
        return visits[-1]

    yield call
    for context in contexts:
        context.close()
    assert [problem for one in visits for problem in one.problems] == []
