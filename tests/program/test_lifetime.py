"""What tells a workspace or endpoint from the next one of its name, while a preview does not know it."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from infra.lifecycle.lifetime import known_in_previews, not_read

GIVEN = "the one Azure gave"
THERE = "the one that is there"


class Preview(mocks.Mocks):
    """The preview of a resource that is changed in place, or made anew: then its id is unknown as well."""

    def __init__(self, anew: bool, known: bool) -> None:
        self.anew, self.known = anew, known

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return (None if self.anew else "/id"), ({"given": GIVEN} if self.known else {})

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        raise AssertionError(args.token)


class Thing(pulumi.CustomResource):
    given: pulumi.Output[str]

    def __init__(self) -> None:
        super().__init__("azure-native:some:Thing", "thing", {"given": None})


@pytest.mark.parametrize(
    ("anew", "known", "there", "expected"),
    [
        (False, True, THERE, GIVEN),
        (False, False, THERE, THERE),
        (False, False, None, None),
        (True, False, THERE, None),
    ],
    ids=["unchanged", "changed in place", "changed in place, and not there any more", "made anew"],
)
def test_only_one_that_is_made_anew_is_unknown(
    anew: bool, known: bool, there: str | None, expected: str | None
) -> None:
    asked = []

    async def ask() -> str | None:
        asked.append(there)
        return there

    async def found() -> str | None:
        thing = Thing()
        value = known_in_previews(thing, thing.given, ask)
        return await value.future() if await value.is_known() else None

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(Preview(anew, known), preview=True)
        assert loop.run_until_complete(found()) == expected
    finally:
        loop.close()
    assert bool(asked) == (not known and not anew), "Azure is asked only where it has to be"


@pytest.mark.parametrize(
    ("error", "loud"),
    [
        ("invocation returned an error: Status=404 Code=ResourceNotFound", False),
        ("Code=ParentResourceNotFound", False),
        ("Status=403 Code=AuthorizationFailed at https://x?sig=SECRET", True),
        ("context deadline exceeded", True),
    ],
)
def test_what_is_not_there_is_no_news_and_what_is_refused_is(
    error: str, loud: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, str]] = []
    for level in ("debug", "warn"):
        monkeypatch.setattr(pulumi.log, level, lambda text, level=level: said.append((level, text)))
    not_read("endpoint phi", Exception(error))
    ((level, text),) = said
    assert level == ("warn" if loud else "debug") and "SECRET" not in text
    assert text.startswith("nothing is known about endpoint phi as it is now: ")
