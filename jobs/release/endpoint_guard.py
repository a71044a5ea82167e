"""What has to be seen to before Pulumi updates the endpoint itself.

An endpoint is updated with a PUT, and one that does not name the live traffic resets it: that would take the model off
the air. An endpoint whose creation failed is mended by no PUT; Azure asks for it to be made anew.
"""

from __future__ import annotations

from collections.abc import Mapping

from cloud.catalogue import ENDPOINT
from cloud.errors import AGAIN, StageError, azure_errors
from cloud.report import WARNING, Report
from cloud.target import Target
from cloud.waiting import minutely
from jobs.traffic import shares
from settings.sections.tags import PAUSED, SERVED

_DELETE_SECONDS = 1_800.0  # Azure gives an endpoint's operation half an hour itself


def clear_the_way(target: Target, endpoint: str, report: Report) -> None:
    """Deletes an endpoint that has failed and holds no deployment, so that the update's PUT makes it anew.

    One that serves something is left alone, however it is. Raises StageError.
    """
    from cloud.arm import Arm

    arm, path, on = Arm(), f"{target.path}/onlineEndpoints/{endpoint}", f"endpoint {endpoint}"
    with azure_errors("the endpoint's state could not be read", on):
        found = arm.find(path, ENDPOINT.version)
        if found is None or found.get("properties", {}).get("provisioningState") != "Failed":
            return
        if arm.items(f"{path}/deployments", ENDPOINT.version):
            return
    report(f"{WARNING}endpoint {endpoint} has failed and holds no deployment: it is deleted and made anew")
    with azure_errors("the failed endpoint could not be deleted", on):
        version, tell = {"api-version": ENDPOINT.version}, minutely(report, f"{on}: still being deleted")
        gone = arm.run("DELETE", path, version, seconds=_DELETE_SECONDS, tell=tell) is not None
    if not gone:
        why = f"Azure has been at it for {_DELETE_SECONDS / 60:g} minutes"
        raise StageError("the failed endpoint could not be deleted", on=on, why=why, todo=AGAIN)


def guard(target: Target, endpoint: str, sent: Mapping[str, float], tags: Mapping[str, str]) -> None:
    """Raises StageError unless the traffic and the tags of a pause that an update is going to send are the live ones.

    Somebody may have released, paused or resumed since the program has looked.
    """
    from cloud.arm import Arm

    path = f"{target.path}/onlineEndpoints/{endpoint}"
    with azure_errors("the live traffic could not be read", f"endpoint {endpoint}"):
        found = Arm().find(path, ENDPOINT.version)
    if found is None:
        return
    live, has = shares(found.get("properties", {}).get("traffic")), found.get("tags") or {}
    if odd := [tag for tag in (PAUSED, SERVED) if has.get(tag) != tags.get(tag)]:
        why = f"its tag {odd[0]} is {has.get(odd[0])}, and the update would set it to {tags.get(odd[0])}"
        todo = "Somebody pauses or resumes it. Once they have ended, run `pulumi up` again, which takes that in."
        raise StageError("the endpoint was not updated", on=f"endpoint {endpoint}", why=why, todo=todo)
    if live != shares(sent):
        why = f"its traffic is {live or 'none'}, and the update would set it to {shares(sent) or 'none at all'}"
        todo = "Run `pulumi up --refresh`, which takes the live traffic into the update."
        raise StageError("the endpoint was not updated", on=f"endpoint {endpoint}", why=why, todo=todo)
