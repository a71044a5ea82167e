"""Every place that keeps a secret out of what people read: without any one of them, the search for canaries finds it.

Each is taken out of the source it stands in, as an editor would; a text that is no longer there just once fails here.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from tests.canaries import leaks
from tests.program import shown as show
from tests.program import shown_told as told
from tests.program.conftest import KEY
from tests.program.shown import CANARY
from tests.without import without

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("settings", "cloud", "chat", "jobs", "infra", "flow", "review", "policy", "data_prep")
TAKE_OUT = ("redact", "redact_named", "without_secrets", "without_key", "without_query")
SECRETS = {"the canary": CANARY, "the endpoint's key": KEY}


@dataclass(frozen=True)
class Redaction:
    """`find` in `module` becomes `put`; `shown` is what a person reads then."""

    name: str
    module: str
    find: str
    put: str
    shown: Callable[[ModuleType], str]


REDACTIONS = (
    Redaction("key", "infra.serving", "pulumi.Output.secret(keys.apply(", "(keys.apply(", show.state),
    Redaction("connection", "infra.foundry", 'additional_secret_outputs=["properties"],', "", show.state),
    Redaction("review, marked", "review.difference", "_SIGNATURE in value) or", "False) or", show.marked),
    Redaction("review, named", "review.difference", " or _secret(path)", "", show.named),
    Redaction("review, formed", "review.difference", "redact(short_id(", "(short_id(", show.formed),
    Redaction("events", "review.judging", "without_secrets(event)", "event", show.recorded),
    Redaction("events, named", "review.difference", "_secret(path) and", "False and", show.masked("named")),
    Redaction("events, formed", "review.difference", "else redact(tree)", "else tree", show.masked("formed")),
    Redaction("events, error", "review.events", "redact(str(found", "(str(found", show.diagnosed),
    Redaction("events, end", "review.engine", "redact(self.complaint)", "self.complaint", show.complained),
    Redaction(
        "stage", "cloud.errors", "map(redact, (what, on, why.strip(), todo))", "what, on, why, todo", show.failed
    ),
    Redaction("refusal", "cloud.errors", "redact(lines[0])[:500]", "lines[0][:500]", show.refused),
    Redaction("unexpected", "infra.lifecycle.hooks", "redact(str(error))", "str(error)", show.stage(show.unexpected)),
    Redaction("traceback", "infra.lifecycle.hooks", "redact(traceback", "(traceback", show.stage(show.traced)),
    Redaction("report", "infra.lifecycle.hooks", "line = redact(line)", "", show.stage(show.reported)),
    Redaction("what is there", "infra.lifecycle.lifetime", "say(redact(", "say((", show.not_read),
    Redaction("not told", "infra.lifecycle.recorded", "why = redact(str(error))", "why = str(error)", show.not_told),
    Redaction("following", "jobs.training.following", "report(redact(line))", "report(line)", show.follows),
    Redaction("logs", "jobs.commands.logs", "print(redact(line))", "print(line)", show.listed),
    Redaction("logs, followed", "jobs.commands.logs", "print(redact(line), flush=True)", "print(line)", show.followed),
    Redaction(
        "failure", "jobs.training.failures.explain", 'redact("\\n".join(lines))', '"\\n".join(lines)', show.explained
    ),
    Redaction("usage", "jobs.status.usage", "redact(str(error))", "str(error)", show.unmeasured),
    Redaction("preflight", "jobs.preflight.findings", 'redact(f"no answer', '(f"no answer', show.unchecked),
    Redaction("evaluation", "jobs.golden.golden", "redact(str(error))", "str(error)", show.unanswered),
    Redaction("release", "jobs.release.judging.evidence", "map(redact, text", "map(str, text", show.kept),
    Redaction(
        "GitHub", "jobs.commands.github_subject", 'redact(f"`gh api {path}`', 'str(f"`gh api {path}`', told.not_asked
    ),
    Redaction("outputs", "settings.outputs", "redact(said)", "said", told.no_outputs),
    Redaction("state", "settings.outputs", "redact(' '.join(said", "(' '.join(said", told.no_state),
    Redaction("own state", "infra.lifecycle.origin", "redact(str(error))", "str(error)", told.no_own_state),
    Redaction("settings, asked", "settings.stack_file", 'redact(" ".join(done', '(" ".join(done', told.no_settings),
    Redaction("settings", "settings.problems", "redact_named(self.key, self.value)", "self.value", told.misplaced),
    Redaction("echo", "chat.phi_client", 'self._key.without_key(b"".join', '(b"".join', told.echoed),
    Redaction("echo, streamed", "chat.phi_client", "self._key.without_key(line)", "line", told.streamed),
    Redaction(
        "hub", "data_prep.source.hub", "without_query(str(error)).strip()", "str(error).strip()", told.unreadable
    ),
)


@pytest.mark.parametrize("redaction", REDACTIONS, ids=lambda redaction: str(redaction.name))
def test_each_is_needed(redaction: Redaction, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = redaction.shown(importlib.import_module(redaction.module))
    assert list(leaks([("shown", kept.encode())], SECRETS)) == []
    broken = redaction.shown(without(redaction.module, redaction.find, redaction.put, monkeypatch))
    assert list(leaks([("shown", broken.encode())], SECRETS)) != []


def test_each_has_a_case() -> None:
    """Wherever the code takes secrets out of something, one of the cases above takes just that away."""
    assert [place for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) for place in _unknown(path)] == []


def _unknown(path: Path) -> Iterator[str]:
    source, module = path.read_text(), ".".join(path.relative_to(ROOT).with_suffix("").parts)
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    own = {id(each) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef)
           if function.name in TAKE_OUT for each in ast.walk(function)}  # fmt: skip
    for node in ast.walk(tree):
        called = getattr(node, "id", getattr(node, "attr", ""))
        if isinstance(node, ast.Name | ast.Attribute) and called in TAKE_OUT and id(node) not in own:
            place = len("".join(lines[: node.lineno - 1]).encode()) + node.col_offset
            starts = {len(source[: source.index(each.find)].encode()): len(each.find.encode())
                      for each in REDACTIONS if each.module == module}  # fmt: skip
            if not any(start <= place < start + length for start, length in starts.items()):
                yield f"{module}:{node.lineno}"


@pytest.mark.parametrize(
    "written",
    [
        f"key={CANARY}",
        f"{{'key': '{CANARY}'}}",
        "AAA" + __import__("base64").b64encode(f"x{CANARY}y".encode()).decode(),
        "Bearer eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJ4In0.AbCdEfGhIjKlMnOpQrStUv",  # pragma: allowlist secret
        "https://st.blob.core.windows.net/c?sv=2026&sig=AbCdEfGhIjKlMnOpQrStUvWxYz012345%3D",
        "-----BEGIN " + "PRIVATE KEY-----",
    ],
)
def test_the_search_finds_it_however_it_is_written(written: str) -> None:
    assert list(leaks([("a file", written.encode())], SECRETS))


def test_the_search_finds_nothing_in_what_is_no_secret() -> None:
    fine = "sig= key: ***, model m1d79377201b8, https://phi.eastus2.inference.ml.azure.com/score, [secret]"
    assert list(leaks([("a file", fine.encode())], SECRETS)) == []
