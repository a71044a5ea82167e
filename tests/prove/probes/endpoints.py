"""An endpoint and one small deployment: routes, limits, traffic, metrics, changes in place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.prove import serving
from tests.prove.azure import ML, Azure
from tests.prove.group import SERVING, Group
from tests.prove.probes import Facts, Probe

AT_ONCE = 12


def routes(on: Group, azure: Azure, measured: Facts) -> Facts:
    live = serving.live(on)
    good, answer = azure.ask("a question", live.url, live.key, live.question)
    _, bad = azure.ask("no JSON", live.url, live.key, "not JSON")
    _, chat = azure.ask("the chat route", live.url.replace("/score", "/v1/chat/completions"), live.key, live.question)
    _, nobody = azure.ask("a made-up key", live.url, "made-up", live.question)
    _, astray = azure.ask("no such deployment", live.url, live.key, live.question, **{serving.HEADER: "nobody"})
    measured["headers of an answer"] = ", ".join(sorted(name.lower() for name in answer.headers))
    return {
        "a question": good.outcome,
        "the answer names its deployment": str(answer.headers.get(serving.HEADER)),
        "a body that is no JSON": str(bad.status_code),
        "what the container said to it": str(bad.headers.get("ms-azureml-model-error-statuscode")),
        "the chat route": str(chat.status_code),
        "what the container said to the chat route": str(chat.headers.get("ms-azureml-model-error-statuscode")),
        "a made-up key": str(nobody.status_code),
        "a deployment that is not there": str(astray.status_code),
    }


def at_once(on: Group, azure: Azure, measured: Facts) -> Facts:
    live = serving.live(on)
    azure.go_on()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: serving.ask(live), range(AT_ONCE)))
    for status in sorted(set(answers)):
        measured[f"answers {status}"] = str(answers.count(status))
    return {
        f"of {AT_ONCE} questions at once with one request at a time, refused with 429": _some(answers.count(429)),
        "others than 200 and 429": _some(len([each for each in answers if each not in (200, 429)])),
    }


def in_place(on: Group, azure: Azure, measured: Facts) -> Facts:
    live = serving.live(on)
    body = serving.body(on, live.model, maxConcurrentRequestsPerInstance=16)
    changed = azure.call("more requests at a time", "PUT", live.deployment, ML, body)
    seen = azure.call("read it", "GET", live.deployment)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: serving.ask(live), range(AT_ONCE)))
    settings = (seen.answer or {}).get("properties", {}).get("requestSettings", {})
    return {
        "changed": changed.outcome,
        "requests at a time": str(settings.get("maxConcurrentRequestsPerInstance")),
        f"of {AT_ONCE} questions at once, refused with 429": _some(answers.count(429)),
    }


def traffic(on: Group, azure: Azure, measured: Facts) -> Facts:
    live = serving.live(on)
    before = on.quietly.get(live.endpoint)
    busy = azure.call("delete the deployment with traffic", "DELETE", live.deployment)
    bare = azure.call("put the endpoint without traffic", "PUT", live.endpoint, ML, serving.endpoint_body(on))
    seen = azure.call("read it", "GET", live.endpoint)
    astray = azure.call("traffic to nobody", "PUT", live.endpoint, ML, serving.endpoint_body(on, {"nobody": 100}))
    half = azure.call("half the traffic", "PUT", live.endpoint, ML, serving.endpoint_body(on, {serving.NAME: 50}))
    back = azure.call("all the traffic", "PUT", live.endpoint, ML, serving.endpoint_body(on, {serving.NAME: 100}))
    after = on.quietly.get(live.endpoint)
    kept = bool((seen.answer or {}).get("properties", {}).get("traffic"))
    same = _created(before) == _created(after)
    return {
        "deletion with traffic": busy.outcome,
        "put without traffic": bare.outcome,
        "the traffic afterwards": "kept" if kept else "reset",
        "traffic to a deployment that is not there": astray.outcome,
        "a sum of 50": half.outcome,
        "back": back.outcome,
        "createdAt after the puts": "the same" if same else "another",
    }


def metrics(on: Group, azure: Azure, measured: Facts) -> Facts:
    live = serving.live(on)
    since = datetime.now(UTC)
    for body in (live.question, "not JSON"):
        azure.ask("a question", live.url, live.key, body)
    span = f"{(since - timedelta(minutes=30)):%Y-%m-%dT%H:%M:%SZ}/{(since + timedelta(hours=1)):%Y-%m-%dT%H:%M:%SZ}"
    wanted = ("deployment", "statusCode", "statusCodeClass", "modelStatusCode")
    query = {
        "metricnames": "RequestsPerMinute",
        "timespan": span,
        "interval": "PT1M",
        "aggregation": "Average",
        "$filter": " and ".join(f"{name} eq '*'" for name in wanted),
        "top": "50",
    }
    path = f"{live.endpoint}/providers/Microsoft.Insights/metrics"

    def rows() -> list[dict[str, Any]]:
        found = on.quietly.get(path, "2024-02-01", **query)
        return [row for value in found.get("value", ()) for row in value.get("timeseries", ())]

    found = azure.wait(rows, 15 * 60) or []
    measured["seconds until the first figure"] = f"{(datetime.now(UTC) - since).total_seconds():.0f}"
    labels = [{each["name"]["value"].lower(): each["value"] for each in row.get("metadatavalues", ())} for row in found]
    names = sorted({name for row in labels for name in row})
    pairs = sorted({f"{row.get('statuscode')} ({row.get('modelstatuscode')})" for row in labels})
    return {"dimensions": ", ".join(names), "status codes, and the model's": ", ".join(pairs)}


def _created(endpoint: dict[str, Any]) -> str:
    return str((endpoint.get("systemData") or {}).get("createdAt"))


def _some(count: int) -> str:
    return "some" if count else "none"


PROBES = (
    Probe(
        name="endpoint-routes",
        claim="The front answers 424 for what the container refuses, and has no chat route for an MLflow model",
        run=routes,
        believed={
            "a question": "200",
            "the answer names its deployment": serving.NAME,
            "a body that is no JSON": "424",
            "what the container said to it": "4..|500",
            "the chat route": "424|404",
            "what the container said to the chat route": "",
            "a made-up key": "401",
            "a deployment that is not there": "404",
        },
        makes=f"an endpoint with one {SERVING}, which the next five share",
        minutes=35,
        hours={SERVING: 1.0},
        own=("what the container said to it", "the chat route", "what the container said to the chat route"),
    ),
    Probe(
        name="endpoint-at-once",
        claim="With maxConcurrentRequestsPerInstance 1, more than two requests at a time are refused with 429",
        run=at_once,
        believed={
            f"of {AT_ONCE} questions at once with one request at a time, refused with 429": "some",
            "others than 200 and 429": "none",
        },
    ),
    Probe(
        name="endpoint-in-place",
        claim="Request settings of a living deployment change in place",
        run=in_place,
        believed={
            "changed": "20[01].*",
            "requests at a time": "16",
            f"of {AT_ONCE} questions at once, refused with 429": "none",
        },
        minutes=10,
    ),
    Probe(
        name="endpoint-traffic",
        claim="A PUT without traffic resets it; a deployment with traffic cannot be deleted",
        run=traffic,
        believed={
            "deletion with traffic": "400 .*",
            "put without traffic": "20[01].*",
            "the traffic afterwards": "reset",
            "traffic to a deployment that is not there": "400 .*",
            "a sum of 50": "400 .*",
            "back": "20[01].*",
            "createdAt after the puts": "the same",
        },
        minutes=6,
    ),
    Probe(
        name="endpoint-metrics",
        claim="Metrics come within minutes, by deployment, status code and the model's own status code",
        run=metrics,
        believed={
            "dimensions": "deployment, modelstatuscode, statuscode, statuscodeclass",
            "status codes, and the model's": "",
        },
        minutes=10,
        own=("status codes, and the model's",),
    ),
)
