"""python -m jobs recover: what Azure has and, after a crash, the stack's state does not know is taken into the state.

An engine that is killed leaves its lock, and resources it had begun to create; a connection that is lost for good
leaves some too. azure-native refuses to create what exists, so the next `pulumi up` would fail at each of them. Here
the lock of a process that is gone is lifted, what `pulumi preview` would create and Azure has is written into the state
under the id Azure gives it, what the state holds and Azure has not is taken out, and `pulumi refresh` fills in the
rest. A replacement that was interrupted is one of them: the old resource is gone, and the new one takes its row.
"""

from __future__ import annotations

import argparse
import copy
import json
import re
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cloud.adoption import (
    Row,
    adopt,
    azure_id,
    give_back,
    ids_with_versions,
    somebody_elses,
    subscription_of,
    take_out,
    without_outputs,
)
from cloud.errors import StageError, azure_errors
from cloud.report import Report
from cloud.services import lease
from cloud.services.lease import runs
from jobs.console import lease_option
from settings.outputs import MISSING, OutputsError, advice

ORDER = 13
HELP = "after a crash, makes the state agree with Azure again"
_AT_ONCE = 8
"""Questions to Azure."""
_MOST_SECONDS = 3600.0  # for a refresh of everything
_LOCKED_BY = re.compile(r"created by \S+@(?P<host>\S+) \(pid (?P<pid>\d+)\)")

_HELD_BY_SERVICE = "Another update is currently in progress"
"""What Pulumi Cloud answers in place of a lock (a 409): it does not say whose the update is, nor whether it runs."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """--break-lease is for a holder that is known to do nothing any more."""
    lease_option(parser)


def run(chosen: argparse.Namespace) -> None:
    """Says each thing that was done; with --break-lease nothing but that."""
    if chosen.break_lease:
        from cloud.place import described

        place = described(chosen.stack)[1]
        for target in (place.workspace, place.project):
            lease.break_all(target, print)
        return
    recover(chosen.stack, print)


def recover(stack: str, report: Report) -> None:
    """Makes a stack ready for the next update. Where state and Azure agree, only looks.

    Raises StageError: an update still runs, Azure cannot be asked, or pulumi refuses.
    """
    exported = _export(stack)
    _import(stack, exported, report)  # no more than it holds already: it is what meets a lock first
    exported = _export(stack)
    state = copy.deepcopy(exported)
    deployment = state["deployment"]
    interrupted = deployment.pop("pending_operations", None) or []
    begun = [each["resource"] for each in interrupted if each.get("type") == "creating"]
    wanted = _creations(stack, report)
    rows = deployment.get("resources") or []
    there, bodies = _there(ids_with_versions(rows, [*wanted, *begun]), stack)
    others = [each for each in (*wanted, *begun) if _elses(each, rows, bodies)]
    wanted, begun = ([each for each in some if each not in others] for some in (wanted, begun))
    for each in {str(each["urn"]): each for each in others}.values():
        name = str(each["urn"]).rsplit("::", 1)[1]
        report(
            f"{name}: Azure has one of that name, and somebody else has made it: left alone; give yours another name"
        )
    gone = take_out(deployment, {id_ for id_, spelt in there.items() if spelt is None})
    adopted = adopt(deployment, wanted, begun, there=there.get)
    if not (gone or adopted or interrupted):
        report("nothing is missing in the state: `pulumi up` or `pulumi destroy` goes on where it stopped")
        return
    before = without_outputs(deployment)
    _replace(stack, exported, state, report)
    _pulumi("refresh", "--stack", stack, "--yes", "--skip-preview")
    refreshed = _export(stack)
    state = copy.deepcopy(refreshed)
    if give_back(state["deployment"], before):
        _replace(stack, refreshed, state, report)
    found = [str(each["urn"]).rsplit("::", 1)[1] for each in adopted]
    report(f"{len(interrupted)} interrupted operations settled; found on Azure: {', '.join(found) or 'none of them'}")
    if gone:
        report(f"no longer on Azure, and taken out of the state: {', '.join(gone)}")
    report("`pulumi up` or `pulumi destroy` goes on where it stopped")


def _elses(wanted: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], bodies: Mapping[str, Any]) -> bool:
    """Whether what Azure has in its place is somebody else's."""
    inputs = wanted.get("inputs") or {}
    if not str(wanted["type"]).startswith("azure-native:"):
        return False
    id_ = azure_id(str(wanted["type"]), inputs, subscription_of(rows))
    return bool(id_ and id_ in bodies and somebody_elses(inputs, bodies[id_]))


def _there(ids: Mapping[str, str], stack: str) -> tuple[dict[str, str | None], dict[str, Any]]:
    """By id, how Azure spells it, or None where it has nothing: a 404, by whatever code it is told; and what it has.

    azure-native takes only some codes for that, and its refresh ends at the others. An answer without a code is none
    of Azure's, and an unknown subscription says nothing of what is in it.
    """
    from azure.core.exceptions import ResourceNotFoundError

    from cloud.arm import Arm

    if not ids:
        return {}, {}
    arm, bodies = Arm(), {}

    def ask(id_: str) -> str | None:
        try:
            bodies[id_] = arm.get(id_, ids[id_])
            return str(bodies[id_].get("id") or id_)
        except ResourceNotFoundError as error:
            code = error.error.code if error.error else None
            if not code or code == "SubscriptionNotFound":
                raise
            return None

    with azure_errors("what is on Azure could not be read", f"stack {stack}"), ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(ids, pool.map(ask, ids), strict=True)), bodies


def _export(stack: str) -> Row:
    exported: Row = json.loads(_pulumi("stack", "export", "--stack", stack))
    return exported


def _replace(stack: str, before: Mapping[str, Any], after: Mapping[str, Any], report: Report) -> None:
    """Makes ``after`` the state unless it is no longer ``before``. Raises StageError where an update was faster."""
    if _content(_export(stack)) != _content(before):
        raise StageError(
            "the stack was left alone",
            on=f"stack {stack}",
            why="its state has changed while Azure was asked, by an update or somebody else's recovery",
            todo="Wait for its end, then run the same again.",
        )
    _import(stack, after, report)


def _content(exported: Any) -> Any:
    """A state without what is another text each time: when it was written, and encrypted values."""
    if isinstance(exported, Mapping):
        return {key: _content(value) for key, value in exported.items() if key not in ("manifest", "ciphertext")}
    return [_content(item) for item in exported] if isinstance(exported, list) else exported


def _creations(stack: str, report: Report) -> list[dict[str, Any]]:
    """The resources that an update would create, replacements included; none where the program does not run."""
    done = _run("preview", "--stack", stack, "--json")
    try:
        steps = json.loads(done.stdout).get("steps") or []
    except ValueError:
        steps = []
    if done.returncode:
        report("`pulumi preview` fails, so only interrupted operations are looked at")
    # The steps of a replacement are summed up in one.
    return [each["newState"] for each in steps if each.get("op") in ("create", "replace") and each.get("newState")]


def _import(stack: str, state: Mapping[str, Any], report: Report) -> None:
    """Makes that the state; lifts the lock of an update whose process is gone."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "state.json")
        file.touch(mode=0o600)
        file.write_text(json.dumps(state))
        arguments = ("stack", "import", "--stack", stack, "--file", str(file))
        done = _run(*arguments)
        locks = list(_LOCKED_BY.finditer(done.stderr + done.stdout))
        if done.returncode == 0:
            return
        if _HELD_BY_SERVICE in done.stderr + done.stdout:
            raise StageError(
                "the stack was left alone",
                on=f"stack {stack}",
                why="Pulumi's service says that an update is in progress, and not whose",
                todo=f"Wait for its end. If you know that it is gone, run `pulumi cancel --stack {stack}` first.",
            )
        if not locks:
            raise _refused(arguments, done)
        for lock in locks:
            if lock["host"] != socket.gethostname() or runs(int(lock["pid"])):
                raise StageError(
                    "the stack was left alone",
                    on=f"stack {stack}",
                    why=f"an update holds its lock: process {lock['pid']} on {lock['host']}",
                    todo="Wait for its end. If you know that it is gone, run `pulumi cancel` first.",
                )
        _pulumi("cancel", "--stack", stack, "--yes")
        report(f"the lock of process {locks[0]['pid']} is lifted, which is gone")
        _pulumi(*arguments)


def _pulumi(*arguments: str) -> str:
    """What a command of the CLI prints. Raises StageError when it refuses."""
    done = _run(*arguments)
    if done.returncode:
        raise _refused(arguments, done)
    return done.stdout


def _refused(arguments: Sequence[str], done: subprocess.CompletedProcess[str]) -> StageError:
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if "error:" in line]
    why = lines[-1].removeprefix("error:").strip() if lines else (done.stderr or done.stdout)[-300:]
    stack = arguments[arguments.index("--stack") + 1]
    return StageError(
        "the stack could not be recovered",
        on=f"`pulumi {' '.join(arguments)}`",
        why=why,
        todo=advice(stack, why) or "Mend that, then run the same again.",
    )


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["pulumi", *arguments, "--color", "never"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=_MOST_SECONDS
        )
    except FileNotFoundError:
        raise OutputsError(MISSING) from None
    except subprocess.TimeoutExpired:
        why = f"it had not ended after {_MOST_SECONDS / 60:g} minutes, and was stopped"
        todo = "Look whether Azure and the backend of the state answer, then run the same again."
        on = f"`pulumi {' '.join(arguments)}`"
        raise StageError("the stack could not be recovered", on=on, why=why, todo=todo) from None
