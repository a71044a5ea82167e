"""python -m tests.screenshots [--note TEXT]: take the pictures of the chat's page in docs/pictures again.

Run by `make screenshots`, with the local stack up.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from playwright.sync_api import Browser, expect

from tests.browser import ROOT, chat_page, open_browser

PICTURES = ROOT / "docs" / "pictures"
QUESTIONS = ("Who founded Microsoft?", "What is the capital of Italy?")
SHOTS = {"chat-desktop.png": (1100, 640, "light", 2), "chat-phone.png": (390, 720, "dark", 1)}
"""File → width and height in pixels, colour scheme, questions."""


def take(browser: Browser, address: str, path: Path, width: int, height: int, scheme: str, questions: int) -> None:
    """A picture of a short conversation, all its answers there."""
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_role("button", name=QUESTIONS[0]).wait_for()
        for question in QUESTIONS[:questions]:
            page.keyboard.type(question)
            page.keyboard.press("Enter")
            for answer in page.locator(".answer").all()[-2:]:
                expect(answer).to_have_attribute("aria-busy", "false", timeout=60_000)
        page.screenshot(path=path)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--note", default="", help="what the page says about the models")
    chosen = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with chat_page("--stack=local", f"--note={chosen.note}") as address, open_browser() as browser:
        for name, shot in SHOTS.items():
            take(browser, address, PICTURES / name, *shot)


if __name__ == "__main__":
    main()
