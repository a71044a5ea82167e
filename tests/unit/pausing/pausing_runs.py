"""An endpoint that is paused and resumed on a fake, and what the tests of this folder share."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from jobs_fake import FakeMl, Stop
from test_jobs_specs import RELEASE

from jobs.paused import BY_HAND
from jobs.pausing import pause as pausing
from jobs.release.deployments import Endpoint
from jobs.release.spec import ReleaseSpec

MODEL = RELEASE.model_name
NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
FIVE = NINE + timedelta(hours=8)
OLD = "m" + "0" * 12


def endpoint(ml: FakeMl, said: list[str] | None = None, stop: Stop | None = None) -> Endpoint:
    report = said.append if said is not None else lambda _: None
    return Endpoint(client=ml, spec=RELEASE, report=report, stop=stop or Stop())  # type: ignore[arg-type]


def spec_of(version: str) -> ReleaseSpec:
    return dataclasses.replace(RELEASE, model_version=version)


def pause(ml: FakeMl, said: list[str] | None = None, at: datetime = FIVE) -> None:
    pausing.pause(endpoint(ml, said), BY_HAND, lambda: at)
