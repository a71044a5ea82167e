"""Every place that keeps a secret out of what people read: without any one of them, the search for canaries finds it.

Each is taken out of the source it stands in, as an editor would; a text that is no longer there just once fails here.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from pulumi.runtime import rpc
from urllib3 import HTTPResponse

from tests.canaries import leaks
from tests.program.conftest import KEY, run_program

CANARY = "Canary0q9xPqkT7vN2rB8sLw5dHf3jYz"  # pragma: allowlist secret
SECRETS = {"the canary": CANARY, "the endpoint's key": KEY}


def state(_: ModuleType) -> str:
    """What the engine writes into its state in clear, if Azure's answers repeat what they were sent."""
    lines = []
    for each in run_program.__wrapped__("local").resources.values():
        hidden = set(each.request.additionalSecretOutputs)
        inputs = {key: _clear(value) for key, value in each.inputs.items()}
        answers = {key: _sent(value) for key, value in each.inputs.items() if key not in hidden}
        # The engine itself marks what an answer repeats of a secret input; where that is nested, it is the program.
        lines.append(json.dumps([each.name, inputs, answers if each.name == "endpoint-connection" else {}]))
    return "\n".join(lines)


def _clear(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return "[secret]"
    if isinstance(value, dict):
        return {key: _clear(inner) for key, inner in value.items()}
    return [_clear(inner) for inner in value] if isinstance(value, list) else value


def _sent(value: Any) -> Any:
    value = rpc.unwrap_rpc_secret(value) if rpc.is_rpc_secret(value) else value
    if isinstance(value, dict):
        return {key: _sent(inner) for key, inner in value.items()}
    return [_sent(inner) for inner in value] if isinstance(value, list) else value


def marked(difference: ModuleType) -> str:
    """A review of a property that the engine marks as a secret and shows all the same."""
    secret = {difference._SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": CANARY}
    return "".join(map(str, difference.difference({}, {"properties": {"value": secret}})))


def named(difference: ModuleType) -> str:
    """A review of a secret that nobody marked, as a refresh finds them."""
    return "".join(map(str, difference.difference({}, {"credentials": {"keys": {"key": CANARY}}})))


def failed(text: str) -> Callable[[ModuleType], str]:
    """A failed stage whose cause repeats a secret."""
    return lambda errors: str(errors.StageError("it failed", on="job", why=text.format(CANARY), todo="Try again."))


def unexpected(stages: ModuleType) -> str:
    """A stage that fails as nobody foresaw."""

    def run(*_: Any) -> None:
        raise ValueError(f"https://st.blob.core.windows.net/c/f?sv=2026&sig={CANARY}")

    spec = SimpleNamespace(from_inputs=lambda _: None)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(RuntimeError) as raised:
        patch.setattr(stages, "_run", run)
        asyncio.run(stages.working(spec, "")(SimpleNamespace(name="finetune", new_inputs={"input": {}})))
    return str(raised.value)


def echoed(chat: ModuleType) -> str:
    """An endpoint that repeats the key it was sent."""
    from flow.chat import ChatError, ChatRequest

    class Response:
        status_code, url, headers = 424, "https://phi.example.com/score", dict[str, str]()
        raw = HTTPResponse(io.BytesIO(f"no such key: {CANARY}".encode()), preload_content=False)

        def __enter__(self) -> Response:
            return self

        def __exit__(self, *_: object) -> None:
            return

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chat.requests, "post", lambda *_, **__: Response())
        with pytest.raises(ChatError) as raised:
            chat.ask("https://phi.example.com/score", CANARY, ChatRequest("hi"))
    return str(raised.value)


@dataclass(frozen=True)
class Redaction:
    """`find` in the first of `modules` that holds it becomes `put`; `shown` is what a person reads then."""

    name: str
    modules: tuple[str, ...]
    find: str
    put: str
    shown: Callable[[ModuleType], str]


PATTERN = "\\bsig|\\bcode|key|secret|password|token)="
REDACTIONS = (
    Redaction("key", ("infra.serving",), "pulumi.Output.secret(keys.apply(", "(keys.apply(", state),
    Redaction("connection", ("infra.foundry",), 'additional_secret_outputs=["properties"],', "", state),
    Redaction("review, marked", ("review.difference",), "_SIGNATURE in value) or", "False) or", marked),
    Redaction("review, named", ("review.difference",), " or _SECRET_NAME.search(path)", "", named),
    Redaction("stage", ("jobs.errors",), "redact(why.strip())", "why.strip()", failed("?sv=1&sig={}")),
    Redaction("unexpected", ("infra.stages",), "redact(str(error))", "str(error)", unexpected),
    Redaction("echo", ("flow.chat", "flow.chat.endpoint"), '.replace(key, "***")', "", echoed),
    *(
        Redaction(f"error, {word}", ("jobs.errors",), PATTERN, PATTERN.replace(word, "none", 1), failed(f"{word}={{}}"))
        for word in ("sig", "code", "key", "secret", "password", "token")
    ),
    Redaction("error, bearer", ("jobs.errors",), "(bearer\\s+)", "(none)()", failed("Authorization: Bearer {}")),
    Redaction("error, JSON", ("jobs.errors",), "key\\d?|secret|password", "none", failed('{{"primaryKey": "{}"}}')),
)


def load(redaction: Redaction, monkeypatch: pytest.MonkeyPatch, off: bool) -> ModuleType:
    """The module with the redaction, or once more without it and in the place of the first."""
    for name in redaction.modules:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin and redaction.find in (source := Path(spec.origin).read_text()):
            break
    else:
        raise AssertionError(f"{redaction.find} is nowhere in {', '.join(redaction.modules)}")
    original = importlib.import_module(name)
    if not off:
        return original
    assert source.count(redaction.find) == 1, redaction.find
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)  # dataclasses look their module up there
    exec(compile(source.replace(redaction.find, redaction.put), spec.origin, "exec"), module.__dict__)
    return module


@pytest.mark.parametrize("redaction", REDACTIONS, ids=lambda redaction: str(redaction.name))
def test_each_is_needed(redaction: Redaction, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = redaction.shown(load(redaction, monkeypatch, off=False))
    assert list(leaks([("shown", kept.encode())], SECRETS)) == []
    broken = redaction.shown(load(redaction, monkeypatch, off=True))
    assert list(leaks([("shown", broken.encode())], SECRETS)) != []


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
