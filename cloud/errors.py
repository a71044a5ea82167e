"""Errors a stage ends with, and how Azure's own become one of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cloud.roles import Role
from settings.redaction import redact

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError

AGAIN = "Run `pulumi up` again: it goes on where it stopped."
SIGN_IN = (
    "Sign in with `az login`, or set ARM_CLIENT_ID, ARM_TENANT_ID and ARM_CLIENT_SECRET of a service principal "
    "(or ARM_USE_OIDC=true, ARM_USE_MSI=true)."
)

_NEXT_STEPS = {
    "AuthorizationFailed": f"Give the identity you run as the role {Role.CONTRIBUTOR.title} on the resource group "
    "(a role granted just now takes minutes to arrive), then run `pulumi up` again.",
    "InvalidAuthenticationToken": "Sign in again with `az login`, then run `pulumi up` again.",
    "ExpiredAuthenticationToken": "Sign in again with `az login`, then run `pulumi up` again.",
    "SubscriptionRequestsThrottled": "Azure asks for fewer requests: wait some minutes, then go on with `pulumi up`.",
    "AuthorizationFailure": "The storage answers in its virtual network alone, or behind a firewall: run this on a "
    "machine that it lets in (docs/network.md), then run `pulumi up` again.",
    "RequestDisallowedByPolicy": "`python -m jobs preflight` names each policy that denies something of the stack, and "
    "the setting that satisfies it, as far as there is one.",
    "OutOfQuota": "Ask for quota of this VM family in the Azure portal, or choose another vmSize.",
    "OutOfCapacity": "The region has no such machine free now: wait, or choose another region or vmSize.",
}
_QUOTA = re.compile(r"(?i)not enough .*quota|quota reached|exceed.*quota")


class StageError(Exception):
    """A stage could not do its work: what failed, on which resource if on one, why, and what to do next."""

    def __init__(self, what: str, *, on: str, why: str, todo: str) -> None:
        self.what, self.on, self.why, self.todo = map(redact, (what, on, why.strip(), todo))
        where = f" ({self.on})" if on else ""
        super().__init__(f"{self.what}{where}: {self.why.rstrip('.')}. {self.todo}")


class ModelFault(StageError):
    """The model that is being released fails, or answers badly, late or wrongly: what is in service stays so.

    `evidence` is what was asked and answered, or measured, as JSON has it.
    """

    def __init__(self, what: str, *, on: str, why: str, todo: str, evidence: Mapping[str, Any] | None = None) -> None:
        super().__init__(what, on=on, why=why, todo=todo)
        self.evidence = dict(evidence or {})


class NotFinished(StageError):
    """Stopped before its end without a failure; the next run picks the work up where it is."""


@contextmanager
def azure_errors(what: str, on: str) -> Iterator[None]:
    """Turns whatever the Azure SDKs raise inside into a StageError about ``what`` on the resource ``on``."""
    from azure.core.exceptions import (
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
        ServiceRequestError,
        ServiceResponseError,
    )

    try:
        yield
    except ClientAuthenticationError as error:
        raise StageError(what, on=on, why=first_line(str(error)), todo=SIGN_IN) from error
    except HttpResponseError as error:
        code, why = refusal(error)
        todo = _NEXT_STEPS.get(code) or (_NEXT_STEPS["OutOfQuota"] if _QUOTA.search(why) else AGAIN)
        raise StageError(what, on=on, why=f"{code}: {why}" if code else why, todo=todo) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        why = f"Azure could not be reached ({first_line(str(error))})"
        raise StageError(what, on=on, why=why, todo=f"Check the network. {AGAIN}") from error
    except AzureError as error:  # azure-ai-ml's own refusals, before any request
        raise StageError(what, on=on, why=first_line(str(error)), todo=AGAIN) from error


def refusal(error: HttpResponseError) -> tuple[str, str]:
    """Azure's error code ("" when there is none) and its message in one line."""
    parsed = error.error
    if parsed is None or not (parsed.message or parsed.details):
        return (str(error.status_code) if error.status_code else "", first_line(error.message or str(error)))
    messages = [_plain(detail.message) for detail in parsed.details or () if detail.message]
    if messages and parsed.code == "BadRequest":
        return parsed.code, first_line(messages[0])
    codes = [str(detail.code) for detail in parsed.details or () if detail.code]
    return parsed.code or "", first_line(parsed.message or next(iter(messages + codes), ""))


def _plain(message: str) -> str:
    """The text inside the JSON that endpoint and deployment refusals carry in a detail's message."""
    text = message.strip()
    if text.startswith("{{"):
        text = text.replace("{{", "{").replace("}}", "}")
    try:
        errors = json.loads(text)["errors"]
        return "; ".join(str(line) for lines in errors.values() for line in lines)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return message


def first_line(text: str) -> str:
    """The first line that says something, in 500 characters at most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The whole line first: of a secret that is cut off, nothing tells what is left.
    return redact(lines[0])[:500] if lines else "no reason given"
