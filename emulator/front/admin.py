"""Settings of a running emulator, for tests: ``GET``, ``POST``, ``DELETE`` ``https://127.0.0.1:PORT/admin/{setting}``.

The bearer token is the home's secret ``admin``. A POST sets the JSON body, a DELETE goes back to the default. They
live in the store, so they survive a kill; ``python -m emulator reset`` forgets them.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulator import registry
from emulator.access import rbac
from emulator.arm import clock
from emulator.faults.book import Faults
from emulator.front import throttle
from emulator.machine.home import EmulatorError, Home
from emulator.machine.store import Store
from emulator.resources import endpoints, filled
from emulator.resources.network import closed
from emulator.runs import models
from emulator.subscription import availability, quota, quota_requests, registrations, skus


def _quota(value: Any) -> Any:
    """``{"FAMILY": cores, "FAMILY@region": cores}``, in any spelling of the family."""
    limits = {}
    for name, cores in value.items():
        family_name, _, region = name.partition("@")
        family = skus.family(family_name)
        if family is None:
            known = ", ".join(each.name for each in skus.FAMILIES)
            raise ValueError(f"there is no family {family_name!r}; there are {known}")
        if not isinstance(cores, int) or cores < 0:
            raise ValueError(f"{name}: cores have to be a whole number from 0, not {cores!r}")
        limits[f"{family.name}@{region or quota.ANY_REGION}".lower()] = cores
    return limits


def _roles(value: Any) -> Any:
    """``[{"principal": object id, "role": name or GUID, "scope": id}]``, in place of the caller's Owner."""
    for given in value:
        if not isinstance(given, dict) or "principal" not in given or rbac.find(str(given.get("role"))) is None:
            raise ValueError(f"{given!r} names no principal or no built-in role")
    return list(value)


def _throttle(value: Any) -> Any:
    """``{"requests": N, "rate": N, "retryAfter": seconds, "kind": read|write|delete}``."""
    unknown = set(value) - {"requests", "rate", "retryAfter", "kind"}
    if unknown:
        raise ValueError(f"unknown keys {sorted(unknown)}")
    return dict(value)


def _delay(value: Any) -> Any:
    """Seconds, or ``reads:N``."""
    rbac.Delay.parse(str(value))
    return str(value)


def _count(value: Any) -> Any:
    """A whole number."""
    return int(value)


def _switch(value: Any) -> Any:
    """true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


SETTINGS: dict[str, Callable[[Any], Any]] = {
    quota.LIMITS: _quota,
    rbac.ROLES: _roles,
    rbac.DELAY: _delay,
    throttle.THROTTLE: _throttle,
    endpoints.ENDPOINT_LIMIT: _count,
    registrations.OFFER: registrations.offer,
    registrations.PROVIDERS: registrations.registrations,
    availability.TAKEN: availability.names,
    quota_requests.DECISION: quota_requests.decision,
    filled.POLICY_TAGS: filled.policy_tags,
    closed.SETTING: closed.position,
    models.ENABLE_VLLM: _switch,
    registry.DESCRIBED: registry.described,
    clock.SETTING: clock.put,
}
"""Name of a setting → what checks its value and brings it into the form that is kept."""


def routes(home: Home, store: Store) -> list[Route]:
    """The routes below ``/admin``."""
    expected = f"Bearer {home.secret('admin')}".encode()

    async def handle(request: Request) -> JSONResponse:
        if not secrets.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JSONResponse({"error": "the bearer token has to be the home's secret 'admin'"}, 401)
        name = request.path_params["setting"]
        check = SETTINGS.get(name)
        if check is None:
            return JSONResponse({"error": f"no setting {name!r}; there are {', '.join(SETTINGS)}"}, 404)
        if request.method == "POST":
            try:
                store.set_setting(name, check(json.loads(await request.body())))
            except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
                return JSONResponse({"error": f"{name}: {error}"}, 400)
        if request.method == "DELETE":
            store.set_setting(name, None)
            if name == clock.SETTING:
                clock.put(None)
        return JSONResponse({"setting": name, "value": store.setting(name, None)})

    book = Faults(store)

    async def faults(request: Request) -> JSONResponse:
        """GET lists the rules, POST adds one, DELETE clears one or all; the value is the rules that are meant."""
        if not secrets.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JSONResponse({"error": "the bearer token has to be the home's secret 'admin'"}, 401)
        try:
            if request.method == "POST":
                meant = [book.add(json.loads(await request.body()))]
            elif request.method == "DELETE":
                meant = book.clear(request.path_params.get("name", ""))
            else:
                meant = book.rules()
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"setting": "faults", "value": [rule.plain() for rule in meant]})

    return [
        Route("/admin/faults", faults, methods=["GET", "POST", "DELETE"]),
        Route("/admin/faults/{name}", faults, methods=["DELETE"]),
        Route("/admin/{setting}", handle, methods=["GET", "POST", "DELETE"]),
    ]


def call(home: Home, method: str, setting: str, value: Any = None) -> Any:
    """Read, set or reset a setting of the home's running emulator; returns its value now.

    Raises:
        EmulatorError: it does not run, or refuses.
    """
    running = home.running()
    if running is None:
        raise EmulatorError("the emulator is not running; start it with: python -m emulator start")
    answer = httpx.request(
        method,
        f"https://127.0.0.1:{running[1].https}/admin/{setting}",
        json=value,
        headers={"Authorization": f"Bearer {home.secret('admin')}"},
        verify=str(home.ca_file),
        trust_env=False,
    )
    if answer.status_code != 200:
        raise EmulatorError(str(answer.json().get("error", answer.text)))
    return answer.json()["value"]
