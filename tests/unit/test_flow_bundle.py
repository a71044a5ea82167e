"""What of the flow is published."""

from __future__ import annotations

import ast
from pathlib import Path

import yaml

from flow import bundle


def test_the_node_is_bound_to_the_connection() -> None:
    flow = yaml.safe_load(bundle.files("other-connection")["flow.dag.yaml"])
    assert [node["inputs"]["connection"] for node in flow["nodes"]] == ["other-connection"]


def test_all_that_the_files_import_of_the_flow_is_there() -> None:
    files = bundle.files("phi-connection")
    assert {"flow.dag.yaml", "integrate_with_promptflow.py", "requirements.txt", "flow/chat.py"} <= set(files)
    for name, content in files.items():
        if not name.endswith(".py"):
            continue
        imported = [each for each in ast.walk(ast.parse(content)) if isinstance(each, ast.ImportFrom) and each.module]
        modules = {str(each.module) for each in imported if str(each.module).split(".")[0] in ("flow", "jobs", "infra")}
        assert {f"{module.replace('.', '/')}.py" for module in modules} <= set(files), name


def test_what_only_the_command_line_needs_stays_here() -> None:
    assert not {"flow/__main__.py", "flow/project.py", "flow/bundle.py"} & set(bundle.files("phi-connection"))


def test_modules_of_modules_come_along(tmp_path: Path) -> None:
    tree = ast.parse("def ask():\n    from flow.project import load\n")
    names = {path.name for path in bundle._needed(tree)}
    assert names == {"__init__.py", "project.py", "chat.py"}


def test_the_fingerprint_is_of_names_and_contents() -> None:
    files = {"a": b"1", "b": b"2"}
    same = bundle.fingerprint(dict(reversed(files.items())))
    assert bundle.fingerprint(files) == same
    assert len({same, bundle.fingerprint({"a": b"1"}), bundle.fingerprint({"a": b"12", "b": b""})}) == 3
