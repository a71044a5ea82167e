"""Clients of an endpoint that ask all the time, each over one connection that is kept."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

QUESTION = {
    "input_data": {
        "input_string": [{"role": "user", "content": "Who wrote Hamlet?"}],
        "parameters": {"temperature": 0, "max_new_tokens": 8},
    }
}
EVERY = 0.1
"""Seconds from a client's question to its next: ten a second."""
REREAD = 1.0
"""Seconds after which a client reads the key again."""


@dataclass
class Tally:
    """What all clients got: answers by deployment, and whatever was no answer."""

    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    @property
    def asked(self) -> int:
        return sum(self.answers.values()) + len(self.failures)


@contextmanager
def asking(url: str, key: Callable[[], str], clients: int, at_least: int = 0) -> Iterator[Tally]:
    """Clients ask while the block lasts, and on until there were ``at_least`` questions."""
    tally, stop = Tally(), threading.Event()
    threads = [threading.Thread(target=_client, args=(url, key, tally, stop), daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield tally
        while tally.asked < at_least:
            time.sleep(EVERY)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=60)


def _client(url: str, key: Callable[[], str], tally: Tally, stop: threading.Event) -> None:
    read, held = float("-inf"), ""
    with requests.Session() as session:
        while not stop.is_set():
            began = time.monotonic()
            if began - read > REREAD:
                held, read = key(), began
                tally.keys.add(held)
            try:
                answer = session.post(url, json=QUESTION, headers={"Authorization": f"Bearer {held}"}, timeout=60)
            except requests.RequestException as error:
                tally.failures.append(f"{type(error).__name__}: {error}")
            else:
                if answer.status_code == 200 and answer.json().get("output"):
                    tally.answers[answer.headers["azureml-model-deployment"]] += 1
                else:
                    tally.failures.append(f"{answer.status_code} {answer.text[:100]}")
            stop.wait(max(0.0, EVERY - (time.monotonic() - began)))
