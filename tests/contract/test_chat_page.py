"""The chat's page in a real browser, against an endpoint that plays what the question asks for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.browser import chat_page, open_browser
from tests.contract import scripted
from tests.contract.arm import Arm
from tests.contract.test_conversations import put_connection

NOTE = "Both models are stand-ins."
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[scripted.Endpoint]:
    with scripted.serving() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def address(arm: Arm, workspace: str, endpoint: scripted.Endpoint) -> Iterator[str]:
    connection = put_connection(arm, workspace, "page", endpoint.url, scripted.KEY)
    options = ["--front-end=plain", f"--connection={connection}", f"--base={scripted.OLD}", "--tuned=new"]
    with chat_page(*options, f"--note={NOTE}") as address:
        yield address


@pytest.fixture(scope="module")
def own(address: str) -> str:
    """Where the page comes from: the address without what only its user knows."""
    return address.partition("/#")[0]


@pytest.fixture(scope="module")
def word(address: str) -> dict[str, str]:
    """The header by which the page shows that it was opened with the printed address."""
    return {"Authorization": f"Bearer {address.partition('/#')[2]}"}


@pytest.fixture
def page(browser: Browser, address: str, own: str) -> Iterator[Page]:
    """A new visit; whatever the page asks for comes from its own server, and none of it holds the key."""
    problems: list[str] = []
    with browser.new_context(viewport=DESKTOP, reduced_motion="reduce") as context:
        page = context.new_page()
        page.on("request", lambda request: problems.extend([] if request.url.startswith(own) else [request.url]))
        page.on("console", lambda message: problems.extend([message.text] if message.type == "error" else []))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(address)
        expect(page.get_by_role("button", name="Who founded Microsoft?")).to_be_visible()
        yield page
        assert scripted.KEY not in page.content()
    # The icon is in the page; a request that a test has cut off is told on the console.
    assert [each for each in problems if not each.startswith("data:") and "ERR_FAILED" not in each] == []


def type_question(page: Page, question: str) -> None:
    """By keyboard alone: the field has the focus from the start, and gets it back."""
    expect(page.get_by_label("Your question")).to_be_focused()
    page.keyboard.type(question)
    page.keyboard.press("Enter")


def answer(page: Page, model: str) -> str:
    card = page.get_by_role("group", name=model).last
    expect(card).to_have_attribute("aria-busy", "false")
    return card.locator(".text").inner_text()


def test_both_answers_side_by_side_each_in_its_own_conversation(page: Page) -> None:
    expect(page.get_by_text(NOTE)).to_be_visible()
    type_question(page, "one")
    assert answer(page, "Base model") == answer(page, "Fine-tuned") == "You asked 'one'"
    type_question(page, "long")
    assert answer(page, "Fine-tuned") == "You asked 'long' after one; You asked 'one'"
    base, tuned = (page.get_by_role("group", name=name).last for name in ("Base model", "Fine-tuned"))
    left, right = base.bounding_box(), tuned.bounding_box()
    assert left and right and left["y"] == right["y"] and left["x"] + left["width"] < right["x"]
    expect(tuned.locator(".figures")).to_contain_text("s · 7 tokens · new")
    expect(tuned.locator(".cut")).to_contain_text("reached its length, 128 tokens")
    expect(base.locator(".cut")).to_be_hidden()

    page.get_by_role("button", name="New conversation").click()
    expect(page.locator(".answer")).to_have_count(0)
    type_question(page, "two")
    assert answer(page, "Fine-tuned") == "You asked 'two'"


def test_an_answer_shows_while_it_comes_and_can_be_stopped(page: Page, endpoint: scripted.Endpoint) -> None:
    endpoint.go_on.clear()
    type_question(page, "slow")
    tuned = page.get_by_role("group", name="Fine-tuned")
    expect(tuned.locator(".text")).to_have_text("You")
    expect(tuned).to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="Stop").click()
    expect(tuned.locator(".figures")).to_have_text("stopped")
    endpoint.go_on.set()
    type_question(page, "after")
    assert answer(page, "Fine-tuned") == "You asked 'after'", "a stopped answer is not part of the conversation"


def test_settings_are_sent(page: Page, endpoint: scripted.Endpoint) -> None:
    page.get_by_text("Settings").click()
    page.get_by_label("Length, tokens").fill("17")
    page.get_by_label("Temperature").fill("0.6")
    page.get_by_label("Your question").focus()
    type_question(page, "Shift")
    answer(page, "Fine-tuned")
    body = next(each["body"] for each in reversed(endpoint.asked) if each["deployment"] == "")
    assert (body["max_tokens"], body["temperature"]) == (17, 0.6)


@pytest.mark.parametrize(
    ("question", "says"),
    [("key", "refused the key (401)"), ("broken", "failed (500)"), ("half", "cut off"), ("shape", "shape nobody here")],
)
def test_failures_are_told_and_can_be_tried_again(page: Page, question: str, says: str) -> None:
    type_question(page, question)
    alert = page.get_by_role("group", name="Fine-tuned").get_by_role("alert")
    expect(alert).to_contain_text(says)
    assert scripted.KEY not in alert.inner_text()
    again = alert.get_by_role("button", name="Ask again")
    expect(again).to_be_enabled()
    if question == "half":
        assert answer(page, "Fine-tuned") == "You"
    again.press("Enter")
    expect(alert).to_contain_text(says)


def test_busy_waits_as_long_as_the_endpoint_asks(page: Page) -> None:
    type_question(page, "busy")
    button = page.get_by_role("group", name="Fine-tuned").get_by_role("alert").get_by_role("button")
    expect(button).to_be_disabled()
    expect(button).to_have_text("Ask again in 1 s")
    expect(button).to_be_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_answers_stand_below_each_other(page: Page, scheme: str) -> None:
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    type_question(page, "a-word-without-end-" * 12)
    answer(page, "Fine-tuned")
    base, tuned = (page.get_by_role("group", name=name).bounding_box() for name in ("Base model", "Fine-tuned"))
    assert base and tuned and base["x"] == tuned["x"] and base["y"] + base["height"] < tuned["y"]
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], "nothing sticks out"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 20, 25)"}[scheme]


def test_the_page_says_when_its_server_is_gone(page: Page) -> None:
    page.route("**/answers", lambda route: route.abort())
    type_question(page, "one")
    expect(page.get_by_role("alert").first).to_contain_text("Start it again with make chat-ui")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),  # no Origin: not from a page of ours
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "OWN", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "OWN", "Content-Type": "text/plain"}, 403),  # what a form of another page can send unasked
        ({"Origin": "OWN", "Host": "evil.example"}, 403),
        ({"Origin": "OWN"}, 200),
    ],
)
def test_only_its_own_page_may_ask(own: str, word: dict[str, str], headers: dict[str, str], status: int) -> None:
    given = {
        "Content-Type": "application/json",
        **word,
        **{name: own if v == "OWN" else v for name, v in headers.items()},
    }
    asked = {"model": "tuned", "question": "one", "history": [], "temperature": 0, "max_new_tokens": 9}
    answered = requests.post(f"{own}/answers", json=asked, headers=given, timeout=30)
    assert answered.status_code == status
    assert ("You asked" in answered.text) == (status == 200)


def test_another_user_of_this_machine_may_not_ask(own: str, browser: Browser) -> None:
    """Whatever he sends for Host and Origin; and opening the page without the word says what to do."""
    asked = {"model": "tuned", "question": "one", "history": [], "temperature": 0, "max_new_tokens": 9}
    for given in ({"Origin": own}, {"Origin": own, "Authorization": "Bearer guessed"}):
        answered = requests.post(f"{own}/answers", json=asked, headers=given, timeout=30)
        assert (answered.status_code, "You asked" in answered.text) == (401, False)
        assert requests.get(f"{own}/about", headers=given, timeout=30).status_code == 401
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(own)
        expect(page.get_by_text("Open the address that make chat-ui printed")).to_be_visible()
        expect(page.get_by_role("button", name="Ask")).to_be_disabled()


def test_the_word_stays_out_of_the_address_bar_and_outlives_a_reload(page: Page, own: str) -> None:
    assert page.url == f"{own}/"
    page.reload()
    type_question(page, "one")
    assert answer(page, "Fine-tuned") == "You asked 'one'"


@pytest.mark.parametrize(
    "change",
    [{"model": "other"}, {"question": None, "history": 1}, {"temperature": 9}, {"max_new_tokens": 0}, {"history": "x"}],
)
def test_what_is_no_question_is_refused(own: str, word: dict[str, str], change: dict[str, object]) -> None:
    asked = {"model": "tuned", "question": "one", "history": [], "temperature": 0, "max_new_tokens": 9, **change}
    answered = requests.post(f"{own}/answers", json=asked, headers={"Origin": own, **word}, timeout=30)
    assert (answered.status_code, answered.json()["error"]["kind"]) == (400, "InvalidInput")
    policy = answered.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy


def test_other_files_are_not_served(own: str, word: dict[str, str]) -> None:
    for name in ("server.py", "..%2Fserver.py", "nothing.html"):
        assert requests.get(f"{own}/{name}", headers=word, timeout=30).status_code == 404
        assert requests.get(f"{own}/{name}", timeout=30).status_code == 401
    assert requests.get(own, headers={"Host": "evil.example"}, timeout=30).status_code == 403
