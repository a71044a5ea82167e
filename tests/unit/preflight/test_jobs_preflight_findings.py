"""What a check has found is kept when Azure lets it read no further."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.core.exceptions import AzureError, HttpResponseError, ServiceRequestError

from jobs.preflight.findings import Finding, State, as_far_as_read, until_refused

FIRST = Finding(check="quota", state=State.REFUSED, found="none", fix="ask")
GO_ON = "go on, or ask for the right to read this"


def then(error: Exception | None) -> Iterator[Finding]:
    yield FIRST
    if error:
        raise error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (HttpResponseError("no such thing"), "no such thing"),
        (ServiceRequestError("no route"), "no answer (no route)"),
        (AzureError("sv=1&sig=SECRETSECRETSECRET"), "no answer (sv=1&sig=***"),
        (KeyError("value"), "Azure's answer makes no sense (KeyError: 'value')"),
        (TypeError("a list"), "Azure's answer makes no sense (TypeError: a list)"),
        (ValueError("no number"), "Azure's answer makes no sense (ValueError: no number)"),
        (AttributeError("get"), "Azure's answer makes no sense (AttributeError: get)"),
    ],
)
def test_each_reason_is_told_beside_what_was_found(error: Exception, why: str) -> None:
    assert until_refused(lambda: then(error)) == ([FIRST], why)
    warning = Finding(check="quota", state=State.WARNING, found=f"not checked: {why}", fix=GO_ON)
    assert as_far_as_read("quota", lambda: then(error)) == [FIRST, warning]
    of = Finding(check="quota", state=State.WARNING, found=f"zones: not checked: {why}", fix=GO_ON)
    assert as_far_as_read("quota", lambda: then(error), "zones") == [FIRST, of]


def test_what_is_read_to_the_end_is_all_there_is() -> None:
    assert as_far_as_read("quota", lambda: then(None), "zones") == [FIRST]


def test_a_fault_of_the_program_is_none_of_azures() -> None:
    with pytest.raises(ZeroDivisionError):
        as_far_as_read("quota", lambda: then(ZeroDivisionError()))
