"""A real browser for the chat's page: the Chromium or Chrome of this machine, driven by Playwright."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--no-sandbox",  # CI runs as root, and the page is ours
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def executable() -> str:
    """The browser's path. Without one the test is skipped, but in CI it fails: there it has to run."""
    found = os.environ.get("BROWSER_PATH") or next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    why = "no Chromium or Chrome on this machine (Debian: apt-get install chromium; else BROWSER_PATH=...)"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless browser; it knows of no proxy, so it reaches loopback only."""
    path = executable()
    without_proxy = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=OPTIONS, env=without_proxy)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def chat_page(*options: str) -> Iterator[str]:
    """The address of `python -m chat --web` with options, as it is printed: with the word that lets a page ask."""
    command = [sys.executable, "-m", "chat", "--web", "--port", "0", *options]
    with address_of(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)) as address:
        yield address


@contextmanager
def address_of(server: subprocess.Popen[str]) -> Iterator[str]:
    """Where a server that is starting serves its page; at the end it is stopped."""
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line.startswith("Chat at http://127.0.0.1:"), line
        yield line.split()[2]
    finally:
        server.terminate()
        server.communicate(timeout=30)
