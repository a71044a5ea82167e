"""What a fault rule says: which requests or pieces of work it hits, how often, and what happens to them."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from annotated_types import Ge, Gt, Le

REQUEST, OPERATION, TOKEN, ROLE = "request", "operation", "token", "role"
JOB, DEPLOYMENT, SERVER, METRIC = "job", "deployment", "server", "metric"
"""What a rule is matched against."""


@dataclass(frozen=True)
class Kind:
    """One way to fail.

    Attributes:
        point: what it is matched against.
        effect: what happens, in one line.
        options: members of a rule that have a meaning here.
        host: host it is about if the rule names none.
    """

    point: str
    effect: str
    options: tuple[str, ...] = ()
    host: str = "*"


ANSWER = ("answered",)
KINDS: dict[str, Kind] = {
    "throttled": Kind(REQUEST, "429 with Retry-After", (*ANSWER, "retry_after")),
    "error": Kind(REQUEST, "500", ANSWER),
    "unavailable": Kind(REQUEST, "503 with Retry-After", (*ANSWER, "retry_after")),
    "no-answer": Kind(REQUEST, "silence until the client gives up, or for some seconds", (*ANSWER, "seconds")),
    "reset": Kind(REQUEST, "the connection is reset instead of an answer", ANSWER),
    "slow": Kind(REQUEST, "the body of the answer drips in over some seconds", ("seconds",)),
    "truncated": Kind(REQUEST, "the connection is cut in the middle of the answer's body", ("bytes",)),
    "empty": Kind(REQUEST, "200 with a JSON object in which nothing is"),
    "nonsense": Kind(REQUEST, "200 with a page of HTML, as a proxy on the way gives one"),
    "token-expired": Kind(REQUEST, "401 ExpiredAuthenticationToken: the credential has to get another token"),
    "token-revoked": Kind(REQUEST, "401 with a claims challenge: the token counts no longer, a new one does"),
    "token-short": Kind(
        TOKEN, "tokens that live for some seconds only", ("seconds",), host="login.microsoftonline.com"
    ),
    "operation-fails": Kind(OPERATION, "the long-running operation fails", ("code", "message")),
    "operation-hangs": Kind(OPERATION, "the long-running operation does not end until the rule is cleared"),
    "role-late": Kind(ROLE, "a new role assignment counts only after some seconds, or reads", ("seconds", "reads")),
    "job-fails": Kind(
        JOB, "a step of the job fails, with log and exit code of the cause", ("cause", "step", "exit_code", "message")
    ),
    "job-hangs": Kind(JOB, "the job runs on and does nothing until it is cancelled or reaches its limit"),
    "deployment-crashes": Kind(DEPLOYMENT, "the user container crashes again and again", ("message",)),
    "metrics-late": Kind(METRIC, "Azure Monitor is so many seconds behind", ("seconds",)),
    "server-killed": Kind(SERVER, "the inference server is killed while a question is under way"),
}

ALWAYS = ("id", "kind", "method", "host", "path", "after", "count", "rate", "seed", "seen", "hits", "subjects")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: name by which it is cleared.
        kind: one of KINDS.
        method: HTTP method; a ``*`` stands for any text here and in ``host`` and ``path``.
        host: host name a request goes to.
        path: path of a request, or id of the resource that is worked on; without case.
        after: so many matches are let through first.
        count: so many are hit then; None for no end.
        rate: share of the matches that is hit, chosen by ``seed``; the same matches in the same order each time.
        answered: the request is carried out all the same, only its answer is lost.
        retry_after: seconds of the header.
        seconds: how long the silence, the drip, the token's life or the role's delay lasts.
        reads: how often a role is asked for in vain.
        bytes: of the body that still arrive; half of it if None.
        code, message: of the error.
        cause, step, exit_code: of a failing job; see emulator/faults/causes.py.
        seen, hits: matches and effects so far.
        subjects: operations, jobs and deployments it has hit, which it hits again after a restart of the emulator.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    kind: str
    id: str = ""
    method: str = "*"
    host: str = ""
    path: str = "*"
    after: Annotated[int, Ge(0)] = 0
    count: Annotated[int, Ge(1)] | None = None
    rate: Annotated[float, Gt(0), Le(1)] = 1.0
    seed: int = 0
    answered: bool = False
    retry_after: Annotated[int, Ge(0)] = 1
    seconds: Annotated[float, Ge(0)] | None = None
    reads: Annotated[int, Ge(0)] = 0
    bytes: Annotated[int, Ge(0)] | None = None
    code: str = ""
    message: str = ""
    cause: Literal["", "out-of-memory", "killed", "bad-row", "image-pull", "quota", "node-lost"] = ""
    step: Literal[
        "",
        "ft_nlp_common_validation",
        "chat_completion_model_import",
        "chat_completion_datapreprocess",
        "chat_completion_finetune",
        "ft_nlp_model_converter",
    ] = ""
    exit_code: int | None = None
    seen: int = 0
    hits: int = 0
    subjects: list[str] = field(default_factory=list)

    @property
    def point(self) -> str:
        return KINDS[self.kind].point

    @property
    def wanted_host(self) -> str:
        """Pattern of the hosts it is about, in lower case."""
        return (self.host or KINDS[self.kind].host).lower()

    @property
    def spent(self) -> bool:
        """Whether it can hit nothing new."""
        return self.count is not None and self.hits >= self.count

    def covers(self, point: str, method: str, host: str, path: str) -> bool:
        """Whether it is about such a request or piece of work."""
        return (
            self.point == point
            and fnmatchcase(method.upper(), self.method.upper())
            and fnmatchcase(host.lower(), self.wanted_host)
            and fnmatchcase(path.lower(), self.path.lower())
        )

    def tried(self, subject: str = "") -> tuple[Rule, bool]:
        """The rule after one more match, and whether that match is hit."""
        if subject and subject in self.subjects:
            return self, True
        chosen = self.rate >= 1 or random.Random(f"{self.seed}/{self.seen}").random() < self.rate
        hit = chosen and not self.spent and self.seen >= self.after
        subjects = [*self.subjects, subject] if hit and subject else self.subjects
        return replace(self, seen=self.seen + 1, hits=self.hits + hit, subjects=subjects), hit

    def plain(self) -> dict[str, Any]:
        """As JSON, without what is as usual."""
        usual = asdict(Rule(self.kind))
        return {key: value for key, value in asdict(self).items() if key == "kind" or value != usual[key]}

    def __str__(self) -> str:
        """``f1  throttled  PUT */jobs/*  next 2  hit 1 of 3``."""
        where = f"{self.method} {self.wanted_host} {self.path}"
        often = f"next {self.count}" if self.count is not None else "until cleared"
        often += f" after {self.after}" if self.after else ""
        often += f" at rate {self.rate:g} (seed {self.seed})" if self.rate < 1 else ""
        more = {key: value for key, value in self.plain().items() if key not in ALWAYS}
        said = "".join(f" {key.replace('_', '-')}={value}" for key, value in more.items())
        return f"{self.id:<5}{self.kind:<19}{where}  {often}{said}  hit {self.hits} of {self.seen}"


def read(given: Any) -> Rule:
    """A rule from JSON.

    Raises:
        ValueError: it is none; the message says what is wrong with it.
    """
    from pydantic import TypeAdapter, ValidationError  # not for every command of the emulator to pay

    try:
        rule = TypeAdapter(Rule).validate_python(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc'])) or 'rule'}: {first['msg']}") from error
    kind = KINDS.get(rule.kind)
    if kind is None:
        raise ValueError(f"there is no fault {rule.kind!r}; there are {', '.join(KINDS)}")
    if odd := [key for key in rule.plain() if key not in (*ALWAYS, *kind.options)]:
        allowed = f"; it has {', '.join(kind.options)}" if kind.options else ""
        raise ValueError(f"{odd[0]} means nothing to {rule.kind}{allowed}")
    if "seconds" in kind.options and rule.seconds is None and rule.kind not in ("no-answer", "role-late"):
        raise ValueError(f"{rule.kind} needs seconds")
    if rule.kind == "role-late" and not (rule.seconds or rule.reads):
        raise ValueError("role-late needs seconds or reads")
    return rule
