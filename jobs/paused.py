"""What an endpoint's tags say of its pauses: what was in service, what comes after, and what has been paid until then.

Tags of the endpoint, so that any machine knows; the program that updates the endpoint leaves them alone
(infra/serving.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Self

from settings.sections.tags import PAUSED, SERVED

BY_HAND, BY_HOURS = "hand", "hours"
BY_RELEASE = "release"
"""A release that makes the new deployment in the place of the old one (jobs/release/recreate.py)."""
MOST_TEXT = 256
"""Azure's limit for the value of a tag."""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """An endpoint without deployments, on purpose.

    Attributes:
        at: since when.
        by: BY_HAND, BY_HOURS where the office hours ended, or BY_RELEASE.
        version: of the model that was in service; `deployment` was its deployment, and `previous` the version before
            it, "" for none.
        coming: the version that a `pulumi up` has made meanwhile, "" for none.
        machines: what it was on, as `size*count`, where a release brings it back.
    """

    at: datetime
    by: str
    version: str
    deployment: str
    previous: str = ""
    coming: str = ""
    machines: str = ""

    def tags(self) -> dict[str, str]:
        said = {key: value for key, value in asdict(self).items() if value and key != "at"}
        return {PAUSED: _text({"at": _moment(self.at), **said})}

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": _moment(self.at)}

    def then(self, version: str, deployment: str) -> Self:
        """The same pause, once a release of that version was asked for meanwhile."""
        return replace(self, coming="" if version == self.version else version, deployment=deployment)

    def waits(self, endpoint: str) -> str:
        """What `pulumi up` says of a release that waits for the end of the pause."""
        return (
            f"endpoint {endpoint} is paused since {self.at:%Y-%m-%d %H:%M} UTC and stays so: version "
            f"{self.coming or self.version} goes into service when it is resumed (`python -m jobs resume`)"
        )


@dataclass(frozen=True)
class Served:
    """Machine hours of an endpoint's deployments until a moment, by VM size; of those that stand, what follows it."""

    until: datetime | None
    hours: Mapping[str, float]

    def tags(self) -> dict[str, str]:
        """Hours to the second."""
        said = {size: round(hours, 4) for size, hours in self.hours.items()}
        return {SERVED: _text({"until": _moment(self.until), "hours": said})} if self.until else {}

    def after(self, since: datetime) -> datetime:
        """From when on a deployment of that moment is not counted yet."""
        return max(since, self.until) if self.until else since

    def plus(self, standing: Iterable[tuple[str, int, datetime]], now: datetime) -> Served:
        """With what has been served up to ``now``: VM size, instances and moment of each deployment."""
        hours = dict(self.hours)
        for size, count, since in standing:
            stood = max(0.0, (now - self.after(since)).total_seconds() / 3600)
            hours[size] = hours.get(size, 0.0) + count * stood
        return Served(now, hours)


def read(tags: Mapping[str, str] | None) -> Pause | None:
    """None where the endpoint is not paused. A tag that cannot be read counts as a pause of unknown things."""
    text = (tags or {}).get(PAUSED)
    if not text:
        return None
    found = _object(text)
    try:
        at = datetime.fromisoformat(str(found.get("at")))
    except ValueError:
        at = datetime.fromtimestamp(0, UTC)
    said = {key: str(found.get(key, "")) for key in ("by", "version", "deployment", "previous", "coming", "machines")}
    return Pause(at=at.replace(tzinfo=at.tzinfo or UTC), **said)


def served(tags: Mapping[str, str] | None) -> Served:
    """Nothing where the tag is missing or cannot be read."""
    found = _object((tags or {}).get(SERVED, ""))
    try:
        until = datetime.fromisoformat(str(found["until"]))
        return Served(until, {str(size): float(hours) for size, hours in dict(found["hours"]).items()})
    except (KeyError, ValueError, TypeError):
        return Served(None, {})


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"))


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds") if at else ""


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
