"""What a new deployment has to show before anybody is sent to it: answers, soon enough, and right ones.

All is asked past the traffic rules, of the deployment by its name, and over the route that the flow takes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence

from chat.phi_client import CHAT_COMPLETIONS, CONTRACT, ROUTES, ask
from chat.phi_messages import Answer, Busy, ChatError, ChatRequest, KeyRefused
from cloud.errors import AGAIN, ModelFault, NotFinished, StageError
from cloud.report import WARNING
from cloud.waiting import Stopped, minutely, pause, tells_itself
from jobs.golden import judge
from jobs.golden.comparison import Outcome, compare
from jobs.golden.golden import Asking, Scores, ask_all, models_fault
from jobs.golden.questions import load
from jobs.release.deployments import Endpoint

_TRIES, _PAUSE = 24, 5.0
"""For two minutes: a deployment just called healthy is not routed to at once, and an endpoint may be busy or away."""
_TRIES_OF_MODEL = 2
"""A model that fails, or answers too late, is asked once more: the first answer may have waited for it to get warm."""
_HAIR = 1e-9
"""Means of fractions are not exact: what is at the limit is within it."""
_LOOKS, _AGREEING = 12, 3
"""So many times it is looked who answers; so many answers in a row have to come from the new deployment."""


def check(endpoint: Endpoint, before: Mapping[str, int]) -> None:
    """Raises StageError unless the spec's deployment may have traffic; ``before`` is the traffic of those in service.

    Raises NotFinished when told to stop.
    """
    spec = endpoint.spec
    name, bound = spec.deployment_name, spec.evaluation.latency_seconds
    tags = endpoint.tags()
    ROUTES.tell(endpoint.address()[0], {each: found.get(CONTRACT, "") for each, found in tags.items()})
    first = _patiently(endpoint, name, "the new deployment has no traffic yet")
    endpoint.report(f"smoke test of {name}: {' '.join(first.text.split())[:80]}")
    if tags.get(name, {}).get(CONTRACT) == CHAT_COMPLETIONS and not first.streamed:
        endpoint.report(f"{WARNING}{name} should answer chat completions, and has no such route: answers come whole")
    if spec.evaluation.questions:
        _check_golden(endpoint, before)
        return
    # The first answer of a deployment may have waited for the model to get warm.
    second = _patiently(endpoint, name, "the new deployment has no traffic yet")
    if second.seconds > bound:
        raise _slow(endpoint, second.seconds)


def confirm(endpoint: Endpoint, name: str = "") -> None:
    """Raises StageError unless who asks the endpoint, naming no deployment, gets this one's answers, or the new one's.

    NotFinished when told to stop.
    """
    name = name or endpoint.spec.deployment_name
    agreed, since = 0, time.monotonic()
    tell = minutely(endpoint.report, f"still asking the endpoint for answers of {name}")
    for _ in range(_LOOKS):
        try:
            answer = _patiently(endpoint, "", f"deployment {name} has 100 % of the traffic")
        except NotFinished as error:
            if not isinstance(error.__cause__, Busy):
                raise
            endpoint.report(f"{WARNING}it is not known who answers: {error.why}")
            return
        if not answer.deployment:
            endpoint.report(f"{WARNING}the endpoint's answers do not say which deployment gave them")
            return
        agreed = agreed + 1 if answer.deployment == name else 0
        if agreed == _AGREEING:
            endpoint.report(f"the endpoint's answers come from {name}")
            return
        if not agreed:
            tell(time.monotonic() - since)
            _wait(endpoint, f"deployment {name} has 100 % of the traffic")
    why = f"it has 100 % of the traffic, but {answer.deployment} goes on answering"
    raise StageError("the traffic did not reach the new model", on=f"deployment {name}", why=why, todo=AGAIN)


def _check_golden(endpoint: Endpoint, before: Mapping[str, int]) -> None:
    spec, evaluation = endpoint.spec, endpoint.spec.evaluation
    new = _asked(endpoint, spec.deployment_name)
    endpoint.report(f"golden questions: {spec.deployment_name} scores {new}")
    if away := [result for result in new.results if result.unreachable]:
        why = f"{len(away)} of {len(new.results)} golden questions did not reach it: {away[0].error}"
        raise _away(endpoint, why)
    if (seconds := new.within(evaluation.latency_percent)) > evaluation.latency_seconds:
        raise _slow(endpoint, seconds, new)
    if new.score < evaluation.minimum_score - _HAIR:
        raise _low(endpoint, [new], f"it scores {new.score:.2f}, and evaluation.minimumScore is {_number(endpoint)}")
    if not before:
        return
    live = max(before, key=lambda name: before[name])
    old = _asked(endpoint, live)
    endpoint.report(f"golden questions: {live}, in service, scores {old}")
    if unanswered := [result for result in old.results if result.error]:
        endpoint.report(f"{WARNING}the model in service left {len(unanswered)} unanswered: {unanswered[0].error}")
    found = compare(new, old, drop=evaluation.maximum_drop, confidence=evaluation.confidence_percent)
    both = f"it scores {new.score:.2f} and the model in service {old.score:.2f}, {found}"
    let = f"evaluation.maximumDrop lets {evaluation.maximum_drop:g} through"
    if found.outcome is Outcome.WORSE:
        raise _low(endpoint, [new, old], f"{both}; {let}")
    if found.outcome is Outcome.NOT_WORSE:
        endpoint.report(f"golden questions: better or equal: {found}")
        return
    unclear = f"could not tell whether it is worse: {both}; {let}; {found.remedy}"
    if evaluation.unclear == "fail":
        raise _low(endpoint, [new, old], f"{unclear} (evaluation.unclear: fail)")
    endpoint.report(f"{WARNING}golden questions: {unclear}. It goes on (evaluation.unclear: pass)")


def _number(endpoint: Endpoint) -> str:
    return f"{endpoint.spec.evaluation.minimum_score:g}"


def _asked(endpoint: Endpoint, name: str) -> Scores:
    spec, evaluation = endpoint.spec, endpoint.spec.evaluation
    questions = load(evaluation.questions, evaluation.judge)
    asking = Asking(
        timeout=spec.serving.request_timeout_seconds,
        system=spec.system_prompt,
        samples=evaluation.samples,
        judge=judge.of(evaluation.judge),
    )
    try:
        scores = ask_all(*endpoint.address(), name, questions, asking, endpoint.report, endpoint.stop)
    except StageError as error:
        if not isinstance(error.__cause__, KeyRefused):
            raise
        # Somebody rotates the keys meanwhile: once more, with the new one.
        scores = ask_all(*endpoint.address(), name, questions, asking, endpoint.report, endpoint.stop)
    if endpoint.stop.is_set():
        raise _stopped(endpoint, "the new deployment has no traffic yet")
    return scores


def _patiently(endpoint: Endpoint, deployment: str, doing: str) -> Answer:
    """The answer to ``serving.question``; a route that is not there yet is waited for."""
    spec = endpoint.spec
    # Nothing left to chance: a sound model is not refused for one unlucky word.
    request = ChatRequest(spec.serving.question, deployment=deployment, temperature=0.0, system=spec.system_prompt)
    failures, since, why = Counter[bool](), time.monotonic(), ""
    tell = minutely(endpoint.report, lambda: f"no answer of {deployment or endpoint.on} yet ({why})")
    while True:
        # The key is read anew for each try, as somebody may rotate the keys meanwhile.
        url, key = endpoint.address()
        try:
            answer = ask(url, key, request, timeout=spec.serving.request_timeout_seconds)
        except ChatError as error:
            of_model, why = models_fault(error), str(error).rstrip(".")
            tell(time.monotonic() - since)
            failures[of_model] += 1
            if failures[of_model] < (_TRIES_OF_MODEL if of_model else _TRIES):
                _wait(endpoint, doing)
                continue
            if isinstance(error, Busy):
                raise _busy(endpoint) from error
            raise (_failed if of_model else _away)(endpoint, str(error)) from error
        if deployment and answer.deployment != deployment:
            raise _away(endpoint, f"{deployment} was asked, and {answer.deployment} answered")
        return answer


def _wait(endpoint: Endpoint, doing: str) -> None:
    try:
        pause(_PAUSE, tell=tells_itself, stop=endpoint.stop)
    except Stopped:
        raise _stopped(endpoint, doing) from None


def _stopped(endpoint: Endpoint, doing: str) -> NotFinished:
    return NotFinished("the release is not finished", on=endpoint.on, why=f"you asked to stop; {doing}", todo=AGAIN)


def _busy(endpoint: Endpoint) -> NotFinished:
    """Load, which says nothing about the model."""
    spec = endpoint.spec
    why = (
        "too many ask at once (429), no fault of the model: serving.maxConcurrentRequests is "
        f"{spec.serving.max_concurrent_requests}, serving.instances {spec.serving.instances}"
    )
    return NotFinished("the release is not finished", on=endpoint.on, why=why, todo=AGAIN)


def _away(endpoint: Endpoint, why: str) -> StageError:
    """Something between here and the model."""
    on = f"deployment {endpoint.spec.deployment_name}"
    return StageError("the new model could not be tested", on=on, why=why, todo=AGAIN)


def _failed(endpoint: Endpoint, why: str) -> ModelFault:
    todo = "Look into the model (data, recipe), or raise serving.requestTimeoutSeconds if it is just slow."
    return _refused(endpoint, why, todo, [])


def _slow(endpoint: Endpoint, seconds: float, *scores: Scores) -> ModelFault:
    bound = endpoint.spec.evaluation.latency_seconds
    percent = endpoint.spec.evaluation.latency_percent
    many = f"{percent:g} % of the answers took up to" if scores and percent < 100 else "an answer took"
    why = f"{many} {seconds:.1f} s, and evaluation.latencySeconds is {bound:g}"
    return _refused(endpoint, why, "Take a larger serving.vmSize, or allow more time.", scores)


def _low(endpoint: Endpoint, scores: Sequence[Scores], why: str) -> ModelFault:
    worst = scores[0].worst
    sample = worst.worst
    cut = ", cut off," if sample.cut_off else ""
    said = worst.error or f"{' '.join(sample.answer.split())[:120]!r}{cut} instead of {worst.expected!r}"
    why = f"{why}. Asked {worst.question!r} it gave {said}"
    return _refused(endpoint, why, "Look into the model (data, recipe), or into evaluation.questions.", scores)


def _refused(endpoint: Endpoint, why: str, todo: str, scores: Sequence[Scores]) -> ModelFault:
    on, asked = f"deployment {endpoint.spec.deployment_name}", [each.to_json() for each in scores]
    evidence = {"golden": asked} if asked else {"asked": endpoint.spec.serving.question}
    return ModelFault("the new model did not pass its smoke test", on=on, why=why, todo=todo, evidence=evidence)
