"""Questions of our own for a deployment that too few callers ask to be judged (serving.probe)."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from chat.phi_client import ask
from chat.phi_messages import Busy, ChatError, ChatRequest
from jobs.golden.golden import models_fault
from jobs.golden.questions import load
from jobs.release.deployments import Endpoint
from jobs.release.judging.health import Health

_AT_ONCE = 2
"""As two callers would; more might be turned away by a deployment that works on one after the other."""
_SAID_SECONDS = 60.0


def ask_it(endpoint: Endpoint, name: str, number: int) -> Health:
    """So many questions put to the deployment by its name, and how it fared; what did not reach it is not counted.

    Raises StageError where the address is not known; NotFinished when told to stop.
    """
    url, key = endpoint.address()
    failed = busy = away = 0
    seconds: list[float] = []

    def answered(question: str) -> float | ChatError | None:
        if endpoint.stop.is_set():
            return None
        request = ChatRequest(question, deployment=name, temperature=0.0, system=endpoint.spec.system_prompt)
        try:
            return ask(url, key, request, timeout=endpoint.spec.serving.request_timeout_seconds).seconds
        except ChatError as error:
            return error

    said = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for at, found in enumerate(pool.map(answered, itertools.islice(_questions(endpoint), number))):
            if isinstance(found, float):
                seconds.append(found)
            elif found is not None:
                busy += isinstance(found, Busy)
                failed += models_fault(found)
                away += not isinstance(found, Busy) and not models_fault(found)
            if time.monotonic() - said > _SAID_SECONDS:
                said = time.monotonic()
                endpoint.report(f"asking {name} questions of our own: {at + 1} of {number}")
    endpoint.go_on(f"{name} is being asked questions of our own")
    ordered = sorted(seconds)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None
    return Health(requests=number - away, failed=failed, p95_seconds=p95, busy=busy)


def _questions(endpoint: Endpoint) -> Iterator[str]:
    """The stack's question and its golden ones, again and again."""
    evaluation = endpoint.spec.evaluation
    golden = load(evaluation.questions, evaluation.judge) if evaluation.questions else ()
    return itertools.cycle([endpoint.spec.serving.question, *(each.question for each in golden)])
