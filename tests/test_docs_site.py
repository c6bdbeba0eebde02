"""The site of the pages: it is built without a warning, asks no network for anything, and its search works from disk."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BROWSER = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(find_spec("material") is None, reason="pip install rushlight[docs]; make docs does")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


def test_pages_load_nothing_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 80
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"?([^\" >]+)", text)
        loaded += re.findall(r"<link[^>]* href=\"?([^\" >]+)", text)
        assert not [address for address in loaded if address.startswith(("http:", "https:", "//"))], page


def test_marks_of_blocks_are_languages_and_lists_are_lists(site):
    text = (site / "engine.html").read_text(encoding="utf-8")
    assert '<span class="nd">@elementwise</span>' in text and "source=src" not in text
    assert "<li>" in (site / "tutorial" / "7-functions.html").read_text(encoding="utf-8")


def test_chinese_pages_are_chinese(site):
    text = (site / "tutorial.zh" / "2-graph.html").read_text(encoding="utf-8")
    assert '<html lang="zh"' in text and "四倍。所以" in text
    assert '<html lang="en"' in (site / "tutorial" / "2-graph.html").read_text(encoding="utf-8")


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the PATH, nor named by CHROMIUM")
@pytest.mark.parametrize("width", [1300, 390])
def test_it_is_read_and_searched_from_disk(site, width):
    api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    asked, faults = [], []
    with api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": width, "height": 844}).new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: faults.append(str(error)))
        for name in ("index", "tutorial/2-graph", "tutorial.zh/5-cutting", "differences", "operations", "reference/nn"):
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
        page.keyboard.press("/")
        page.keyboard.type("Hessian")
        page.wait_for_selector(".md-search-result__item")
        browser.close()
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
