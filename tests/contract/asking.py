"""Clients of an endpoint that ask all the time, each over one connection that is kept."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from chat.phi_messages import answer_text

QUESTION = {
    "input_data": {
        "input_string": [{"role": "user", "content": "Who wrote Hamlet?"}],
        "parameters": {"do_sample": False, "max_new_tokens": 8},
    }
}
EVERY = 0.1
"""Seconds from a client's question to its next: ten a second."""
REREAD = 1.0
"""Seconds after which a client reads the key again."""
PATIENCE = 60.0


@dataclass
class Tally:
    """What all clients got until now. ``phase`` is what is going on, as the test says."""

    answers: Counter[str] = field(default_factory=Counter)
    """By deployment."""
    phases: Counter[str] = field(default_factory=Counter)
    """Answers by the phase in which they were asked for."""
    failures: list[str] = field(default_factory=list)
    """Whatever was no answer."""
    keys: set[str] = field(default_factory=set)
    """Those that got an answer."""
    phase: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def asked(self) -> int:
        with self._lock:
            return sum(self.answers.values()) + len(self.failures)

    def answered(self, deployment: str, phase: str, key: str) -> None:
        with self._lock:
            self.answers[deployment] += 1
            self.phases[phase] += 1
            self.keys.add(key)

    def failed(self, phase: str, why: str) -> None:
        with self._lock:
            self.failures.append(f"{phase}: {why}"[:300])

    def until(self, enough: Callable[[], bool]) -> None:
        """Lets the clients go on asking. Fails when there is not enough after a long time."""
        deadline = time.monotonic() + PATIENCE
        while not enough():
            assert time.monotonic() < deadline, f"{self.asked} asked, {dict(self.phases)}, {self.failures[:3]}"
            time.sleep(EVERY)


@contextmanager
def asking(url: str, key: Callable[[], str], clients: int) -> Iterator[Tally]:
    """Clients ask while the block lasts. Fails if one of them stopped before its end."""
    tally, stop = Tally(), threading.Event()
    threads = [threading.Thread(target=_client, args=(url, key, tally, stop), daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield tally
        assert all(thread.is_alive() for thread in threads), "a client stopped asking"
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
            if thread.is_alive():
                tally.failed(tally.phase, f"a question got no answer within {PATIENCE:g} s")


def _client(url: str, key: Callable[[], str], tally: Tally, stop: threading.Event) -> None:
    read, held = float("-inf"), ""
    with requests.Session() as session:
        while not stop.is_set():
            began, phase = time.monotonic(), tally.phase
            try:
                if began - read > REREAD:
                    held, read = key(), began
                deployment = _asked(session, url, held)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no answer
                tally.failed(phase, f"{type(error).__name__}: {error}")
            else:
                tally.answered(deployment, phase, held)
            stop.wait(max(0.0, EVERY - (time.monotonic() - began)))


def _asked(session: requests.Session, url: str, key: str) -> str:
    """The deployment that answered. Raises whatever went wrong."""
    answer = session.post(url, json=QUESTION, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)
    if answer.status_code != 200 or not answer_text(answer.json()):
        raise ValueError(f"{answer.status_code} {answer.text}")
    return str(answer.headers["azureml-model-deployment"])
