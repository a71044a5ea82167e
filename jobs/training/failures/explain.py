"""Why a job failed, for people: failing step, Azure's reason, exit code, the component's error, the log, the cause."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jobs.training.failures import component_error
from jobs.training.failures.cause import Cause
from jobs.training.failures.causes import cause_of
from jobs.training.joblog import JobLog, failing
from settings.redaction import redact

_LOG_LINES = 15
_READ_LINES = 2000  # the component's error stands before what other processes of the node print while they end
_CAUSE_LINES = 40
_SAID_LENGTH = 600
_EXIT_CODE = re.compile(r"exit(?:ed)?(?: with)?(?: status)?(?: code)?s?[:\s]+(-?\d+)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failed job.

    Attributes:
        step: title of the step that failed; "" for the job as a whole.
        status: how it ended.
        codes: Azure's error codes, the outermost first.
        reason: Azure's message, without line breaks; "" for none.
        exit_code: that of the step's process, where the message has one.
        said: the fine-tune component's own error, without line breaks; "" for none.
        lines: the last lines of the step's log, without that error.
        cause: the likely one, None if unknown.
    """

    step: str
    status: str
    codes: tuple[str, ...]
    reason: str
    exit_code: int | None
    said: str
    lines: tuple[str, ...]
    cause: Cause | None

    @property
    def why(self) -> str:
        """What happened, as the end of "it did not succeed: …"; the log on lines of its own."""
        where = f"step {self.step}" if self.step else "it"
        text = f"{where} ended {self.status}"
        if self.exit_code is not None:
            text += f" with exit code {self.exit_code}"
        if self.reason:
            code = f"{self.codes[-1]}: " if self.codes else ""
            text += f". Azure says: {code}{self.reason.rstrip('.')}"
        if self.said and self.said not in self.reason:
            text += f". The component says: {_shortened(self.said).rstrip('.')}"
        if self.lines:
            text += ". Last lines of its log:\n  " + "\n  ".join(self.lines) + "\n"
        if self.cause:
            text = f"{text.rstrip('.')}{'' if self.lines else '. '}Likely cause: {self.cause.name}, {self.cause.means}"
        return text


def failure(log: JobLog, status: str) -> Failure:
    """Reads what is known about a job that ended in ``status``. What cannot be read is left out."""
    culprit = failing(log.children())
    run = culprit.name if culprit else log.job_name
    error = log.error(run)
    if not error.message and culprit:
        error = log.error(log.job_name)
    reason = " ".join(error.message.split())
    found = _EXIT_CODE.search(reason)
    exit_code = int(found[1]) if found else None
    said, lines = component_error.split(log.tail(run, _READ_LINES))
    texts = [" ".join((*error.codes, reason)), said, "\n".join(lines[-_CAUSE_LINES:])]
    cause = cause_of(texts, exit_code) if status != "Canceled" else None
    return Failure(
        step=culprit.title if culprit else "",
        status=culprit.status if culprit else status,
        codes=error.codes,
        reason=reason,
        exit_code=exit_code,
        said=said,
        lines=tuple(lines[-_LOG_LINES:]),
        cause=cause,
    )


def explained(log: JobLog, status: str) -> str:
    """The same for a reader who has the log before him already."""
    found = failure(log, status)
    lines = [f"Why: {Failure(**{**vars(found), 'lines': (), 'cause': None}).why}"]
    if found.cause:
        lines += [f"Likely cause: {found.cause.name}, {found.cause.means}", f"What to do: {found.cause.todo}"]
    return redact("\n".join(lines))


def _shortened(text: str) -> str:
    return text if len(text) <= _SAID_LENGTH else f"{text[: _SAID_LENGTH - 1]}…"
