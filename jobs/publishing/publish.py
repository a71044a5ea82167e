"""Stage flow: the prompt flow in the Foundry project, bound to its connection, so that Chat works in the portal.

promptflow-azure does the same with two calls, but cannot be imported beside today's azure-ai-ml
(docs/decisions/publishing-the-flow.md).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.catalogue import ML_VERSION
from cloud.credentials import ARM_SCOPE
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.faults import passing
from cloud.report import Report
from cloud.services.fileshare import Share
from cloud.waiting import Stopped, in_words, minutely, once_allowed, pause
from jobs.publishing import bundle
from jobs.publishing.spec import FlowSpec

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError

    from cloud.arm import Arm

_CREATE_ATTEMPTS, _MOST_PAUSE = 4, 300.0
_FINGERPRINT = "fingerprint"
"""Tag of a flow; written last, so it stands for a flow whose files are all there."""


def run(spec: FlowSpec, report: Report, stop: threading.Event) -> None:
    """Leaves one flow of that name in the project, with the files of `spec.content`.

    A flow that is there keeps its id, address and folder; only its files and tags change. Raises StageError,
    NotFinished when `stop` was set.
    """
    from cloud.arm import Arm

    on = f"flow {spec.name} of project {spec.target.workspace}"
    files = bundle.files(spec.connection)
    if (now := bundle.fingerprint(files)) != spec.content:
        why = f"its files changed since this run began (fingerprint {now}, expected {spec.content})"
        raise StageError("the flow was not published", on=on, why=why, todo=AGAIN)
    with azure_errors("the flow could not be published", on):
        project = Project(Arm(), spec)
        found = project.find()
        if found and (found.get("tags") or {}).get(_FINGERPRINT) == spec.fingerprint:
            report(f"{on} is there already")
            return
        if stop.is_set():
            raise NotFinished("the flow is not published", on=on, why="you asked to stop", todo=AGAIN)
        folder = found["flowDefinitionFilePath"].rpartition("/")[0] if found else project.folder()
        share = Share(project.arm, spec.target)
        once_allowed(lambda: share.write(folder, files), on, report, stop)
        share.prune(folder, files, ".py")
        address = project.put(found, f"{folder}/{bundle.DEFINITION}", report, stop)
    report(f"{on} {'published again' if found else 'published'}: {address}")


class Project:
    """The prompt flows of a Foundry project; every method raises what azure-core raises."""

    def __init__(self, arm: Arm, spec: FlowSpec) -> None:
        self.arm, self._spec = arm, spec
        workspace = arm.get(spec.target.path, ML_VERSION)["properties"]
        host = workspace["discoveryUrl"].rpartition("/discovery")[0]
        self._url = f"{host}/flow/api{spec.target.path}/Flows"
        # For a flow that belongs to no experiment the service takes the workspace's own id.
        self._query = {"experimentId": workspace["workspaceId"]}

    def find(self) -> dict[str, Any] | None:
        """The flow of the spec's name, the oldest if there are several."""
        flows = self.arm.rows(self._url, **self._query, ownedOnly="false", listViewType="ActiveOnly")
        named = [flow for flow in flows if flow.get("flowName") == self._spec.name]
        return min(named, key=lambda flow: str(flow.get("createdDate")), default=None)

    def folder(self) -> str:
        """Where a new flow's files go: among the caller's own, where the studio shows them."""
        import jwt

        token = azure.credential().get_token(ARM_SCOPE).token
        claims = jwt.decode(token, options={"verify_signature": False})
        person = str(claims.get("upn") or claims.get("email") or "").partition("@")[0]
        return f"Users/{person or claims['oid']}/promptflow/{self._spec.name}"

    def put(self, found: dict[str, Any] | None, definition: str, report: Report, stop: threading.Event) -> str:
        """Creates the flow, or updates what was found; returns its address in the portal."""
        body = {
            "flowName": self._spec.name,
            "flowType": "Chat",
            "flowDefinitionFilePath": definition,
            "description": "Chat with the fine-tuned Phi model",
            "tags": {_FINGERPRINT: self._spec.fingerprint, "connection": self._spec.connection},
        }
        if found is None:
            made = self._create(body, report, stop)
        else:
            self.arm.run("PUT", f"{self._url}/{found['flowId']}", self._query, body)
            made = found
        return str(made.get("studioPortalEndpoint") or "see Prompt flow in the project")

    def _create(self, body: dict[str, Any], report: Report, stop: threading.Event) -> dict[str, Any]:
        """Creates the flow, once: flows have no delete, so after an error it looks for it before it asks again."""
        from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

        from cloud.arm import Arm

        once, attempt = Arm(retries=0), 0
        while True:
            attempt += 1
            try:
                return once.run("POST", self._url, self._query, body) or {}
            # A connection that breaks after the request is a ServiceRequestError, too.
            except (HttpResponseError, ServiceRequestError, ServiceResponseError) as error:
                if made := self.find():
                    return made
                if not passing(error) or attempt == _CREATE_ATTEMPTS or stop.is_set():
                    raise
                seconds = _pause(error, attempt)
                report(f"Azure has no answer now, the flow is asked for again in {in_words(seconds)}")
                try:
                    pause(seconds, tell=minutely(report, "still waiting to ask again"), stop=stop)
                except Stopped:
                    raise error from None


def _pause(error: AzureError, attempt: int) -> float:
    """Seconds until the next try."""
    response = getattr(error, "response", None)
    wanted = str(response.headers.get("Retry-After", "")) if response is not None else ""
    return min(float(wanted), _MOST_PAUSE) if wanted.isdigit() else 0.5 * 2.0**attempt
