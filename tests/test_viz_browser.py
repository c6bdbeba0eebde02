"""The pages of pictures in a real browser: clicks, keys, folding, search, steps, a telephone, 5,000 nodes."""

import os
import shutil
import time

import pytest

import rushlight as rl
from networks import network
from rushlight import viz
from rushlight.viz import layout

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make browser installs it")
# Nothing is asked of the network, nor of a graphics card.
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser():
    with api.sync_playwright() as play:
        own, path = play.chromium.executable_path, ":".join([os.environ.get("PATH", ""), "/usr/bin", "/usr/local/bin"])
        there = [os.environ.get("CHROMIUM"), own if os.path.exists(own) else None]
        there += [shutil.which(name, path=path) for name in ("chromium", "chromium-browser", "google-chrome")]
        if not any(there):
            pytest.skip("there is no Chromium: apt-get install chromium, or name one by CHROMIUM=path")
        running = play.chromium.launch(executable_path=next(filter(None, there)), args=QUIET)
        yield running
        running.close()


@pytest.fixture
def show(browser, tmp_path):
    """A function that opens a picture; what its page complains about, or asks the network for, fails the test."""
    faults, contexts = [], []

    def opened(picture, width=1200, height=800, **options):
        path = picture.save(tmp_path / "page.html")
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("request", lambda request: None if request.url == path.as_uri() else faults.append(request.url))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-ready]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def loss_of_network():
    model, x = network(), rl.randn(5, 4)
    return lambda: model(x).square().mean()


def settled(page):
    """Wait until what was asked for is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def labels(page):
    return page.eval_on_selector_all("#nodes .node", "all => all.map(n => n.getAttribute('aria-label').split(', ')[0])")


def whole(page):
    page.click("#fit")
    settled(page)


def test_a_click_opens_what_is_known(show):
    w = rl.tensor([1.0, -2.0, 3.0], requires_grad=True)
    hidden = w.tanh()
    page = show(viz.graph((hidden * hidden).sum()))
    page.click(".node[aria-label^=tanh]")
    text = page.inner_text("#panel")
    assert "out = tanh(x)" in text and "∂out/∂x = 1 - tanh(x)²" in text
    assert "[0.761594, -0.964028, 0.995055]" in text
    assert "test_viz_browser.py:" in text and "hidden = w.tanh()" in text
    assert page.locator("#edges .near").count() == 3
    page.click("#panel .links button >> text=w")
    assert ".grad is None" in page.inner_text("#panel") and page.locator(".node.chosen").count() == 1
    page.keyboard.press("Escape")
    assert page.is_hidden("#panel")


def test_boxes_fold_and_unfold(show):
    page = show(viz.graph(loss_of_network()))
    whole(page)
    before = labels(page)
    assert before.count("addmm") == 3
    page.click(".fold[aria-label^='2: Block']")
    settled(page)
    assert labels(page).count("addmm") == 2 and "gelu" not in labels(page)
    assert page.get_attribute(".fold[aria-label^='2: Block']", "aria-expanded") == "false"
    page.click(".fold[aria-label^='2: Block']")
    whole(page)
    assert sorted(labels(page)) == sorted(before)
    page.click("#closeall")
    settled(page)
    assert set(labels(page)) == {"square", "mean", "output"}
    page.click("#openall")
    whole(page)
    assert sorted(labels(page)) == sorted(before)


def test_search_finds_what_is_folded(show):
    page = show(viz.graph(loss_of_network()))
    page.click("#closeall")
    page.keyboard.press("/")
    page.keyboard.type("gelu")
    assert page.inner_text("#hits") == "1 found"
    page.keyboard.press("Enter")
    settled(page)
    assert "gelu" in labels(page) and page.inner_text("#panel h2") == "gelu"
    assert page.locator(".node.hit").count() == 1
    page.fill("#find", "addmm 5×8")
    assert page.inner_text("#hits") == "2 found"
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.inner_text("#hits") == "2 of 2"
    page.fill("#find", "nothing like it")
    assert page.inner_text("#hits") == "0 found"


def test_keys_are_enough(show):
    page = show(viz.graph(loss_of_network()))
    page.click("#closeall")
    settled(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.fold')"):
            break
    page.keyboard.press("Enter")
    settled(page)
    assert page.locator(".fold").count() == 4
    page.focus(".node[aria-label^=mean]")
    page.keyboard.press("Enter")
    assert page.inner_text("#panel h2") == "mean"
    page.keyboard.press("ArrowUp")
    assert page.inner_text("#panel h2") == "square"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#panel h2") == "output"


def test_zoom_and_pan(show):
    page = show(viz.graph(loss_of_network()))
    scale = "+document.getElementById('world').getAttribute('transform').match(/scale\\((.*)\\)/)[1]"
    place = "document.getElementById('world').getAttribute('transform').match(/translate\\((\\S+) (\\S+)\\)/).slice(1).map(Number)"
    before = page.evaluate(scale)
    page.click("#in")
    settled(page)
    assert page.evaluate(scale) == pytest.approx(1.4 * before)
    x, y = page.evaluate(place)
    page.mouse.move(100, 300)
    page.mouse.down()
    page.mouse.move(160, 320, steps=3)
    page.mouse.up()
    settled(page)
    assert page.evaluate(place) == pytest.approx([x + 60, y + 20])
    page.mouse.wheel(0, 50)
    settled(page)
    assert page.evaluate(place) == pytest.approx([x + 60, y - 30])


def test_places_are_those_of_the_svg(show):
    """page.js computes them again after folding."""
    picture = viz.graph(loss_of_network())
    page = show(picture)
    page.click("#openall")
    for fold in (False, True):
        if fold:
            whole(page)
            page.click(".fold[aria-label^='2: Block']")
        folded = frozenset(box.id for box in picture.boxes if fold and box.title == "2: Block")
        layout.place(picture.plan, folded, picture.closed)
        whole(page)
        found = page.eval_on_selector_all(
            "#nodes .node",
            "all => all.map(n => [+n.dataset.item, ...n.getAttribute('transform').match(/-?[\\d.]+/g).map(Number)])",
        )
        expected = [
            [v.item, x - v.width / 2, y]
            for v, (x, y) in layout.absolute(picture.plan, folded).items()
            if v.kind == layout.ITEM
        ]
        assert len(found) == len(expected)
        for one, other in zip(sorted(found), sorted(expected)):
            assert one == pytest.approx(other, abs=0.01)


@pytest.mark.parametrize("width", [400, 1000])
def test_fit_shows_all_above_the_legend_and_beside_the_panel(show, width):
    for picture in (viz.graph(loss_of_network()), viz.steps(loss_of_network())):
        page = show(picture, width, 800)
        whole(page)
        left, right, below = gaps(page)
        assert left == pytest.approx(right, abs=2) and left > 0 and below > 0
    x = rl.ones(2, requires_grad=True)
    left, right, below = gaps(show(viz.steps(x.exp().sum()), width, 800))
    assert left == pytest.approx(right, abs=2) and below > 0


def gaps(page):
    """How much room there is left of all that is drawn, right of it, and between it and the legend, in pixels."""
    return page.evaluate(
        """() => {
             const all = [...document.querySelectorAll('#nodes .node, #frames .b')].map((n) => n.getBoundingClientRect());
             const room = view.getBoundingClientRect(), legend = document.querySelector('.legend').getBoundingClientRect();
             return [Math.min(...all.map((r) => r.left)) - room.left, room.right - Math.max(...all.map((r) => r.right)),
                     (legend.height ? legend.top : room.bottom) - Math.max(...all.map((r) => r.bottom))];
           }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_inside_of_its_card(show, scheme, tmp_path):
    page = show(viz.graph(loss_of_network()), color_scheme=scheme)
    whole(page)
    outside = page.eval_on_selector_all(
        "#nodes .node",
        """all => all.filter((n) => {
             const card = n.querySelector('.card').getBoundingClientRect();
             return [...n.querySelectorAll('text')].some((t) => {
               const box = t.getBoundingClientRect();
               return box.left < card.left || box.right > card.right || box.top < card.top - 1 || box.bottom > card.bottom + 1;
             });
           }).length""",
    )
    assert outside == 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 31)"}[scheme]
    page.click("#theme")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != background
    assert len(page.screenshot(path=tmp_path / f"{scheme}.png")) > 20_000


def test_a_telephone(show):
    page = show(viz.steps(loss_of_network()), 360, 640, has_touch=True, is_mobile=True, device_scale_factor=2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    beyond = page.eval_on_selector_all(
        "button, input, #panel",
        "all => all.filter((n) => n.offsetParent && n.getBoundingClientRect().right > 360.5).length",
    )
    assert beyond == 0
    page.tap("#forward")
    settled(page)
    assert page.inner_text("#at") == "2 of 17"
    assert page.locator("#main").bounding_box()["height"] > 150


def test_steps_forward_and_back(show):
    x = rl.tensor([0.5, 2.0], requires_grad=True)
    page = show(viz.steps((x.log() * 3).sum()))
    assert page.inner_text("#at") == "1 of 4" and page.inner_text("#panel h2") == "sum"
    page.keyboard.press("ArrowRight")
    page.click("#forward")
    text = page.inner_text("#panel")
    assert page.inner_text("#panel h2") == "log" and "[3., 3.]" in text
    assert "∂out/∂x = 1 / x" in text and "= [2., 0.5]" in text and "[6., 1.5]" in text
    assert page.locator("#marks .ring").count() == 1 and page.locator("#marks .back").count() == 1
    assert page.locator(".node.did").count() == 2
    page.keyboard.press("End")
    assert page.inner_text("#panel h2") == "x" and "[6., 1.5]" in page.inner_text("#panel")
    assert page.is_disabled("#forward")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    assert page.inner_text("#at") == "1 of 4" and page.is_disabled("#back")


def test_an_svg_opens_by_itself(browser, tmp_path):
    path = viz.graph(loss_of_network()).save(tmp_path / "graph.svg")
    page = browser.new_page(color_scheme="dark")
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.tagName") == "svg"
    assert page.evaluate("getComputedStyle(document.querySelector('.paper')).fill") == "rgb(18, 22, 31)"
    page.close()


def test_a_notebook_shows_pictures_that_were_out_of_sight(browser, tmp_path):
    cells = [viz.graph(loss_of_network()), viz.steps(loss_of_network())]
    path = tmp_path / "notebook.html"
    path.write_text("<p style='height:3000px'></p>".join(["", *[cell._repr_html_() for cell in cells]]), "utf-8")
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.goto(path.as_uri())
    for frame in page.frames[1:]:
        frame.wait_for_selector("html[data-ready]")
        frame.frame_element().scroll_into_view_if_needed()
        frame.wait_for_selector("#nodes .node[aria-label^=output]", timeout=10_000)
        room = frame.evaluate("view.getBoundingClientRect().toJSON()")
        box = frame.evaluate(
            "document.querySelector('#nodes .node[aria-label^=output]').getBoundingClientRect().toJSON()"
        )
        assert room["left"] <= box["left"] and box["right"] <= room["right"]
        assert room["top"] <= box["top"] and box["bottom"] <= room["bottom"]
        # The header is one row.
        assert frame.evaluate("document.querySelector('header').offsetHeight") < 60
    page.close()


def test_5000_nodes_open_in_two_seconds(show):
    x = rl.ones(3, requires_grad=True)
    y = x
    for _ in range(2500):
        y = (y * 1.0001).sin()
    page = show(viz.graph(y.sum()))
    times = []
    for _ in range(3):
        start = time.perf_counter()
        page.reload()
        page.wait_for_selector("html[data-ready]")
        times.append(time.perf_counter() - start)
    print(f"\n5,000 nodes: opened in {min(times):.2f} s")
    assert "sin" in labels(page)
    # The best of three, since other programs may want the processor too.
    assert min(times) < 2
    start = time.perf_counter()
    whole(page)
    assert page.locator("#piles path").count() >= 2
    page.fill("#find", "sum")
    page.keyboard.press("Enter")
    settled(page)
    assert page.inner_text("#panel h2") == "sum"
    assert time.perf_counter() - start < 10
