"""Whatever reads a file or an answer: reads it, or says in a message what is wrong with it."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chat import lines
from chat.phi_messages import ChatError, answer_text, parts, read_json
from cloud.errors import StageError, _plain
from cloud.services.prices import _load
from jobs import paused
from jobs.release import contracts, unfinished
from jobs.training import model_defaults
from review.approval import content, policies
from review.engine import read_file, read_state
from review.errors import ReviewError
from settings.stack import SettingsError, load
from settings.stack_file import decoded
from tests.fuzz.values import as_json, broken, mangled

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """One of them, with something sound to begin with, and what it raises for a reader."""

    name: str
    sound: bytes
    read: Callable[[bytes, Path], Any]
    refuses: tuple[type[Exception], ...] = ()
    slow: bool = False


def _completion(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"completion_tokens": 3}}


def _file(read: Callable[[Path], Any], name: str = "given") -> Callable[[bytes, Path], Any]:
    """As a file of that content."""

    def from_file(given: bytes, folder: Path) -> Any:
        (folder / name).write_bytes(given)
        return read(folder / name)

    return from_file


def _events() -> bytes:
    recorded = ROOT / "docs/examples/reviews/adapters/events.jsonl"
    return b"\n".join(recorded.read_bytes().splitlines()[-40:])


def _approved(file: Path) -> Any:
    return content.read_approved(file)


def _tags(given: bytes) -> dict[str, str]:
    text = given.decode(errors="replace")
    return dict.fromkeys((model_defaults.TAG, unfinished.BEFORE, paused.PAUSED, paused.SERVED), text)


def _stack(given: bytes, folder: Path) -> Any:
    (folder / "Pulumi.fuzz.yaml").write_bytes(given)
    if not (folder / "Pulumi.yaml").exists():
        shutil.copy(ROOT / "Pulumi.yaml", folder / "Pulumi.yaml")
    return load("fuzz", folder)


READERS = (
    Reader(
        name="an endpoint's answer",
        sound=as_json(_completion("Yes, it is.")),
        read=lambda given, _: answer_text(read_json(given)),
        refuses=(ChatError,),
    ),
    Reader(
        name="an endpoint's stream",
        sound=b"\n".join(b"data: " + as_json({"choices": [{"delta": {"content": "a"}}]}) for _ in range(3))
        + b"\ndata: [DONE]",
        read=lambda given, _: list(parts(given.splitlines())),
        refuses=(ChatError,),
    ),
    Reader(
        name="a line of questions",
        sound=as_json({"question": "Is 3 odd?"}),
        read=lambda given, _: lines._read(given.decode(errors="replace")),
        refuses=(ChatError,),
    ),
    Reader(
        name="a refusal inside a refusal",
        sound=b'{"errors": {"name": ["is wrong"]}}',
        read=lambda given, _: _plain(given.decode(errors="replace")),
    ),
    Reader(name="a file of prices", sound=b"{}", read=_file(_load)),
    Reader(
        name="a model's MLmodel",
        sound=b"flavors:\n  hftransformersv2:\n    task_type: chat-completion\nmetadata:\n  azureml.base_image: a/b\n",
        read=lambda given, _: contracts.read(given),
    ),
    Reader(
        name="a model's default parameters",
        sound=b"{'apply_lora': 'true', 'precision': 16}",
        read=lambda given, _: model_defaults.of(_tags(given)),
    ),
    Reader(
        name="a paused release", sound=b"{}", read=lambda given, _: paused.read(_tags(given)), refuses=(StageError,)
    ),
    Reader(
        name="what was served", sound=b"{}", read=lambda given, _: paused.served(_tags(given)), refuses=(StageError,)
    ),
    Reader(
        name="an unfinished release",
        sound=b'{"blue": 100}',
        read=lambda given, _: unfinished.release({"blue": _tags(given), "green": _tags(given)}, {"blue": 100}),
        refuses=(StageError,),
    ),
    Reader(name="an event stream", sound=_events(), read=_file(read_file), refuses=(ReviewError,)),
    Reader(name="a state", sound=b'{"deployment": {"resources": []}}', read=_file(read_state), refuses=(ReviewError,)),
    Reader(
        name="an approval",
        sound=as_json({"content": {"steps": ["create x"]}, "digest": content.digest({"steps": ["create x"]})}),
        read=_file(_approved),
        refuses=(ReviewError,),
    ),
    Reader(
        name="a policy configuration",
        sound=as_json({"all": "mandatory", "no-public-storage": {"enforcementLevel": "disabled"}}),
        read=_file(lambda file: policies.Policies(file.parent, file).disabled()),
        refuses=(ReviewError,),
    ),
    Reader(
        name="a setting of Pulumi's", sound=b'{"a": [1]}', read=lambda given, _: decoded(given.decode(errors="replace"))
    ),
    Reader(
        name="a stack file",
        sound=(ROOT / "Pulumi.dev.yaml").read_bytes(),
        read=_stack,
        refuses=(SettingsError,),
        slow=True,
    ),
)


def build(folder: Path, reader: Reader) -> Callable[[random.Random], None]:
    """Tries one reader."""
    place = folder / reader.name.replace(" ", "-").replace("'", "")
    place.mkdir()
    try:
        sound = json.loads(reader.sound)
    except ValueError:
        sound = None

    def trial(chance: random.Random) -> None:
        given = as_json(broken(sound, chance)) if sound is not None and chance.random() < 0.5 else reader.sound
        given = mangled(given, chance)
        try:
            reader.read(given, place)
        except reader.refuses as refusal:
            said = str(refusal)
            assert said.strip(), f"refused without a word: {given[:200]!r}"
            assert len(said) < 20_000, f"{len(said)} characters are no message: {given[:200]!r}"
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} for {given[:300]!r}") from error

    return trial
