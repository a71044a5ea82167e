"""The scan for secrets finds what is planted, and reads clean files once."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from toolchain.checks import leaks

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq"  # pragma: allowlist secret


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text(f"/ignored\n{leaks.CACHE}\n")
    (tmp_path / "clean.py").write_text("FINGERPRINT = '93576abe594d4ac71b01d691'\n")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "line", "kind"),
    [
        ("a.py", f"key = '{KEY}'", "Base64 High Entropy String"),
        ("a.yaml", f"connection: AccountKey={KEY}yyy/K1SZFPTOtr/KBHBeksoGMGw==", "Azure Storage Account access key"),
        ("docs/examples/e.jsonl", '{"password": "hunter2isgood"}', "Secret Keyword"),  # pragma: allowlist secret
        ("key.pem", "-----BEGIN " + "RSA PRIVATE KEY-----", "Private Key"),
    ],
)
def test_what_is_planted_is_found(checkout: Path, name: str, line: str, kind: str) -> None:
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text(f"\n{line}\n")
    assert f"{name}:2: {kind}" in list(leaks.leaks(checkout))
    (checkout / name).write_text("\n")
    assert list(leaks.leaks(checkout)) == []


def test_ignored_files_and_made_up_secrets_are_not_told(checkout: Path) -> None:
    (checkout / "ignored").write_text(f"key = '{KEY}'\n")
    (checkout / "b.py").write_text(f"key = '{KEY}'  # pragma: allowlist secret\n")
    assert list(leaks.leaks(checkout)) == []


def test_a_clean_file_is_read_once(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(leaks.leaks(checkout)) == []
    # Found in every file that is read from now on.
    monkeypatch.setattr(leaks, "scan", lambda _, name: [name])
    monkeypatch.setattr(leaks, "ProcessPoolExecutor", ThreadPoolExecutor)
    (checkout / "new.py").write_text("x = 1\n")
    assert list(leaks.leaks(checkout)) == ["new.py"]
