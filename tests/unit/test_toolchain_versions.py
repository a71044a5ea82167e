"""How version texts are read and compared, and where the cache is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from toolchain import cache, environment, pins


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v3.259.0", (3, 259, 0)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("v22.1", (22, 1, 0)),
        ("3.240.0-alpha.1+dirty", (3, 240, 0)),
    ],
)
def test_version(text: str, expected: tuple[int, int, int]) -> None:
    assert pins.version(text) == expected


def test_a_text_without_a_version() -> None:
    with pytest.raises(ValueError, match="no version number"):
        pins.version("command not found")
    assert not pins.at_least("command not found", "0.0.1")


@pytest.mark.parametrize(
    ("text", "minimum", "enough"),
    [
        ("v3.239.0", "3.239.0", True),
        ("v3.238.9", "3.239.0", False),
        ("go version go1.25.9", "1.25.11", False),
        ("go version go1.25.11", "1.25.11", True),
        ("v100.0.0", "22.0.0", True),
    ],
)
def test_at_least_compares_numbers_not_letters(text: str, minimum: str, enough: bool) -> None:
    assert pins.at_least(text, minimum) is enough


def test_the_cli_and_the_sdk_have_one_version() -> None:
    requirements = (Path(pins.__file__).parent.parent / "requirements.txt").read_text()
    assert f"pulumi=={pins.PULUMI}\n" in requirements
    module = (Path(pins.__file__).parent / "engine" / "go.mod").read_text()
    assert f"pulumi/pkg/v3 v{pins.PULUMI}\n" in module
    assert f"go {pins.GO_MINIMUM}\n" in module


def test_cache_root() -> None:
    assert cache.cache_root({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/finetune-phi")
    usual = "/h/Library/Caches/finetune-phi" if sys.platform == "darwin" else "/h/.cache/finetune-phi"
    assert cache.cache_root({"HOME": "/h"}) == Path(usual)
    assert cache.cache_root({"XDG_CACHE_HOME": "relative", "HOME": "/h"}) == Path(usual)


def test_uv_hears_what_pip_was_told() -> None:
    told = environment.index_environment({"PIP_INDEX_URL": "https://mirror/simple", "PIP_CERT": "/ca.pem"})
    assert told == {"UV_DEFAULT_INDEX": "https://mirror/simple", "SSL_CERT_FILE": "/ca.pem"}
    assert environment.index_environment({"PIP_CERT": "/a", "SSL_CERT_FILE": "/b"}) == {}
