"""The second `make up`: what it takes and what it asks of Azure where nothing has changed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bench.figures import Figure, Section
from bench.standing import Standing, standing, timed

WHY = {
    "/.well-known/openid-configuration": "Azure's client library looks up where tokens are given out",
    "/oauth2/v2.0/token": "a token, once for each process that asks ARM",
    "/onlineEndpoints/NAME": "the endpoint as it is now: an update must not take its live traffic away",
    "/onlineEndpoints/NAME/listKeys": "the key that the connection holds, so that a rotated one is a change",
}
"""End of a path → why an update that changes nothing asks for it."""
READING = ("GET", "HEAD")
POSTS = ("/token", "/listkeys", "/listsecrets")
"""Ends of what is read by POST."""


def run(runs: int) -> Section:
    stack = standing()
    timed("make", "up")
    ups, bare, work, asked, writes = [], [], [], [], []
    last: Counter[tuple[str, str]] = Counter()
    for _ in range(runs):
        before = len(stack.requests())
        up = timed("make", "up")
        sent = stack.requests()[before:]
        assert "Nothing has changed." in up.printed, up.printed
        ups.append(up.seconds)
        bare.append(timed("make", "up", "POLICIES=").seconds)
        work.append(up.cpu)
        asked.append(float(len(sent)))
        writes.append(float(sum(map(_writes, sent))))
        last = Counter((each["method"], _shown(each["path"], stack)) for each in sent)
    lines = ["| request | times | why |", "|---|---:|---|"]
    for (method, path), times in sorted(last.items()):
        why = next((why for end, why in WHY.items() if path.endswith(end)), "**nobody has said why**")
        lines.append(f"| `{method} {path}` | {times} | {why} |")
    unexplained = sum(times for (_, path), times in last.items() if not path.endswith(tuple(WHY)))
    return Section(
        title="Nothing to do",
        figures=(
            Figure(name="make up again", values=tuple(ups), unit="s", most=6),
            Figure(name="make up again, without policies", values=tuple(bare), unit="s"),
            Figure(name="make up again: work of all its processes", values=tuple(work), unit="s"),
            Figure(name="make up again: requests", values=tuple(asked), unit="requests"),
            Figure(name="make up again: writes", values=tuple(writes), unit="requests", most=0),
            Figure(
                name="make up again: requests that nobody has explained", values=(unexplained,), unit="requests", most=0
            ),
        ),
        text="The engine runs the program twice: in a preview, so that policies stop what they forbid before anything "
        "is made, and in the update. With each it starts the policies. The model is asked where something has changed, "
        "or with `make up Q=...`.\n\n" + "\n".join(lines),
    )


def _writes(request: dict[str, Any]) -> bool:
    return request["method"] not in READING and not request["path"].lower().endswith(POSTS)


def _shown(path: str, stack: Standing) -> str:
    """The path from its provider on, without the names of this stack."""
    del stack
    head, _, tail = path.partition("/providers/")
    if not tail:
        return "/TENANT/" + "/".join(head.strip("/").split("/")[1:])
    parts = tail.split("/")
    return "/" + "/".join("NAME" if at % 2 == 0 and at else part for at, part in enumerate(parts))
