"""What of the flow is published."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import yaml

from jobs.publishing import bundle

PUBLISHED = bundle.files("other-connection")


def test_what_is_published_is_the_flow_and_its_client() -> None:
    assert sorted(PUBLISHED) == [
        "flow.dag.yaml",
        "integrate_with_promptflow.py",
        "phi_client.py",
        "phi_key.py",
        "phi_messages.py",
        "requirements.txt",
    ]


def test_the_definition_finds_its_files_and_its_connection() -> None:
    flow = yaml.safe_load(PUBLISHED["flow.dag.yaml"])
    assert [node["inputs"]["connection"] for node in flow["nodes"]] == ["other-connection"]
    named = {node["source"]["path"] for node in flow["nodes"]} | {flow["environment"]["python_requirements_txt"]}
    assert named == {"integrate_with_promptflow.py", "requirements.txt"}


def test_the_client_needs_requests_alone() -> None:
    imported = set()
    for name, content in PUBLISHED.items():
        for node in ast.walk(ast.parse(content)) if name.startswith("phi_") else ():
            imported |= {each.name.split(".")[0] for each in node.names} if isinstance(node, ast.Import) else set()
            imported |= {str(node.module).split(".")[0]} if isinstance(node, ast.ImportFrom) else set()
    assert imported - sys.stdlib_module_names == {"phi_key", "phi_messages", "requests", "urllib3"}


def test_the_node_can_be_imported_where_only_the_published_files_are(tmp_path: Path) -> None:
    for name, content in PUBLISHED.items():
        (tmp_path / name).write_bytes(content)
    program = "import integrate_with_promptflow as node, phi_client; print(phi_client.__file__, node.stream.__module__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == [str(tmp_path / "phi_client.py"), "phi_client"], done.stderr


def test_the_fingerprint_is_of_names_and_contents() -> None:
    files = {"a": b"1", "b": b"2"}
    same = bundle.fingerprint(dict(reversed(files.items())))
    assert bundle.fingerprint(files) == same
    assert len({same, bundle.fingerprint({"a": b"1"}), bundle.fingerprint({"a": b"12", "b": b""})}) == 3
