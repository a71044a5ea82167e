"""What was asked and answered, written down without anything that tells whose subscription it was."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from settings.redaction import redact, redact_named

RECORDINGS = Path(__file__).resolve().parents[1] / "recordings"
_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")
_TAIL = re.compile(r"\b[0-9a-f]{16,}\b", re.IGNORECASE)
_LEFT_OUT = frozenset({"systemData", "etag", "eTag", "traceId", "additionalInfo", "correlation", "requestId"})
"""Members of answers that tell who asked and when, and nothing that is compared."""


class Disguise:
    """Puts the same word for the same id wherever it stands: {subscription}, {run}, {guid 1} and the like."""

    def __init__(self, known: Mapping[str, str]) -> None:
        """`known` is what is known to be ours: text to the word that takes its place. Empty texts are left alone."""
        pairs = sorted(((text, word) for text, word in known.items() if text), key=lambda pair: -len(pair[0]))
        self._known = [(re.compile(re.escape(text), re.IGNORECASE), word) for text, word in pairs]
        self._guids: dict[str, str] = {}
        self._lock = threading.Lock()

    def text(self, text: str) -> str:
        """`text` without ids, times, addresses and secrets."""
        for known, word in self._known:
            text = known.sub(f"{{{word}}}", text)
        text = _GUID.sub(lambda found: self._guid(found[0].lower()), redact(text))
        for form, word in ((_TIME, "time"), (_ADDRESS, "address"), (_NUMBER, "address"), (_TAIL, "id")):
            text = form.sub(f"{{{word}}}", text)
        return text

    def value(self, value: Any, name: str = "") -> Any:
        """The same for anything that JSON can hold; what a name says to be secret becomes ***."""
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): self.value(each, str(key)) for key, each in value.items() if key not in _LEFT_OUT
            }
        if isinstance(value, list | tuple):
            return [self.value(each, name) for each in value]
        if isinstance(value, str):
            return redact_named(name, self.text(value))
        return value

    def _guid(self, guid: str) -> str:
        with self._lock:
            return self._guids.setdefault(guid, f"{{guid {len(self._guids) + 1}}}")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer, and how the operation ended that it started; all of it disguised."""

    what: str
    method: str
    url: str
    body: Any
    status: int
    code: str = ""
    message: str = ""
    ended: str = ""
    """Of a long-running operation: Succeeded, or Failed and the error's code."""
    answer: Any = None

    @property
    def outcome(self) -> str:
        """`201, then Succeeded` or `400 UserError`."""
        return " ".join(filter(None, (str(self.status), self.code))) + (f", then {self.ended}" if self.ended else "")

    @property
    def request(self) -> tuple[str, str, str, str]:
        """What has to be the same when it is sent again."""
        return self.what, self.method, self.url, json.dumps(self.body, sort_keys=True)


@dataclass(kw_only=True)
class Recording:
    """One probe's run: facts are compared, measured things (seconds, counts) are only told."""

    probe: str
    claim: str
    made: str
    on: str
    """`Azure`, or `the emulator`: only the former is evidence."""
    facts: dict[str, str] = field(default_factory=dict)
    measured: dict[str, str] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)

    def write(self, directory: Path) -> Path:
        """Into `directory`, one file a probe."""
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / f"{self.probe}.json"
        file.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return file


def read(file: Path) -> Recording:
    """What `write` wrote. Raises ValueError and TypeError for anything else."""
    loaded = json.loads(file.read_text(encoding="utf-8"))
    return Recording(**{**loaded, "exchanges": [Exchange(**each) for each in loaded["exchanges"]]})


def differences(recorded: Recording, again: Recording, own: Sequence[str] = ()) -> list[str]:
    """Where the second answered otherwise than the first did, in sentences; empty where nowhere.

    `own` names facts that every subscription has its own way, such as what it may use. A request that is no longer
    the recorded one makes the recording worthless, and is said first.
    """
    sent, now = [each.request for each in recorded.exchanges], [each.request for each in again.exchanges]
    if sent != now:
        changed = next((pair for pair in zip(sent, now, strict=False) if pair[0] != pair[1]), None)
        told = f"{changed[0]} became {changed[1]}" if changed else f"{len(sent)} requests became {len(now)}"
        return [f"{recorded.probe}: other requests than the recorded ones, record it again: {told}"]
    found = [
        f"{recorded.probe}: {old.what}: {recorded.on} said {old.outcome}, {again.on} says {new.outcome}"
        for old, new in zip(recorded.exchanges, again.exchanges, strict=True)
        if old.outcome != new.outcome
    ]
    return found + [
        f"{recorded.probe}: {fact}: {recorded.on} said {value}, {again.on} says {again.facts.get(fact, 'nothing')}"
        for fact, value in recorded.facts.items()
        if fact not in own and again.facts.get(fact) != value
    ]
