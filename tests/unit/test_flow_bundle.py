"""What of the flow is published."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import yaml

from jobs.publishing import bundle


def test_the_node_is_bound_to_the_connection() -> None:
    flow = yaml.safe_load(bundle.files("other-connection")["flow.dag.yaml"])
    assert [node["inputs"]["connection"] for node in flow["nodes"]] == ["other-connection"]


def test_the_node_can_be_imported_where_only_the_published_files_are(tmp_path: Path) -> None:
    for name, content in bundle.files("phi-connection").items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    program = "import chat, integrate_with_promptflow; print(chat.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str(tmp_path / "chat" / "__init__.py"), done.stderr


def test_what_only_the_command_line_needs_stays_here() -> None:
    published = set(bundle.files("phi-connection"))
    assert "chat/client/__init__.py" in published
    assert not {"chat/__main__.py", "chat/terminal.py", "chat/connection.py", "jobs/publishing/bundle.py"} & published


def test_modules_of_modules_come_along() -> None:
    tree = ast.parse("def ask():\n    from chat.prompt_flow import PromptFlow\n")
    needed = {str(path.relative_to(path.parents[-3])) for path in bundle._needed(tree)}
    assert any(name.endswith("chat/client/__init__.py") for name in needed)
    assert any(name.endswith("chat/connection.py") for name in needed)


def test_the_fingerprint_is_of_names_and_contents() -> None:
    files = {"a": b"1", "b": b"2"}
    same = bundle.fingerprint(dict(reversed(files.items())))
    assert bundle.fingerprint(files) == same
    assert len({same, bundle.fingerprint({"a": b"1"}), bundle.fingerprint({"a": b"12", "b": b""})}) == 3
