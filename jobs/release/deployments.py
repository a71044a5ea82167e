"""Deployments of one online endpoint: make, wait for, remove, and share the traffic among them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chat.entra import by_token, token
from chat.phi_key import Key
from cloud import client as azure
from cloud.errors import AGAIN, ModelFault, NotFinished, StageError, azure_errors
from cloud.faults import passing
from cloud.report import WARNING
from cloud.states import HEALTHY
from cloud.waiting import Stopped, elapsed, minutely, pause
from jobs.release import scaling, settings_in_place
from jobs.release.containers import last_lines
from jobs.release.operations import Operations
from jobs.traffic import shares, shown

if TYPE_CHECKING:
    from azure.ai.ml.entities import OnlineDeployment, OnlineEndpoint
    from azure.core.polling import LROPoller

MODEL = "model"
"""Tag of a deployment: its model as ``name:version``."""
PREVIOUS = "previous"
"""Tag of a deployment: the model that was in service before it."""


@dataclass(kw_only=True)
class Endpoint(Operations):
    """One endpoint, and the steps a release takes on it. Every method raises StageError."""

    def traffic(self) -> dict[str, int]:
        """Percent by deployment, those at 0 left out (the SDK invents a 0 for each it finds)."""
        with azure_errors("the live traffic could not be read", self.on):
            return shares(self.client.online_endpoints.get(self.spec.endpoint).traffic)

    def set_traffic(self, traffic: Mapping[str, int], *, needed: bool = False) -> None:
        """Shifts the traffic and reads it back. ``needed`` shifts even after ``stop``: to restore."""
        endpoint = self.settled(needed=needed)
        # A deployment has live traffic or copies, never both.
        copied = [name for name in shares(endpoint.mirror_traffic) if name in traffic]
        if shares(endpoint.traffic) != dict(traffic) or copied:
            with azure_errors("the traffic could not be shifted", self.on):
                endpoint.traffic = dict(traffic)
                if copied:
                    endpoint.mirror_traffic = {}
                self.write(endpoint, "the traffic", f"being shifted to {shown(traffic)}", needed=needed)
        if (live := self.traffic()) != dict(traffic):
            why = f"wanted {shown(traffic)}, but the endpoint says {shown(live)}"
            raise StageError("the traffic did not shift", on=self.on, why=why, todo=AGAIN)

    def mirror(self, percent: int, *, needed: bool = False) -> bool:
        """Has copies of so many per cent of the questions sent to the spec's deployment, 0 for none.

        False where they go to somebody else's: Azure sends them to one alone.
        """
        endpoint, name = self.settled(needed=needed), self.spec.deployment_name
        now = shares(endpoint.mirror_traffic)
        if set(now) - {name}:
            return False
        if now.get(name, 0) != percent:
            with azure_errors("the mirrored traffic could not be changed", self.on):
                endpoint.mirror_traffic = {name: percent} if percent else {}
                self.write(endpoint, "the mirrored traffic", f"being set to {percent} %", needed=needed)
        return True

    def write(self, endpoint: OnlineEndpoint, what: str, doing: str, *, needed: bool = False) -> None:
        """Writes the endpoint itself, its traffic and its tags with it, and waits for that."""
        self.wait_for(self.client.online_endpoints.begin_create_or_update(endpoint), what, doing, needed=needed)

    def settled(self, *, needed: bool = False) -> OnlineEndpoint:
        """The endpoint once it is in no transition, in which it would refuse every change."""

        def read() -> OnlineEndpoint:
            with azure_errors("the endpoint could not be read", self.on):
                endpoint: OnlineEndpoint = self.client.online_endpoints.get(self.spec.endpoint)
            return endpoint

        return self.at_rest(self.on, read, needed=needed)

    def find(self, name: str, *, needed: bool = False, patient: bool = False) -> OnlineDeployment | None:
        """The deployment once it is in no transition, or None if there is none.

        Where ``patient``, Azure may have no answer for a quarter of an hour.
        """
        from azure.core.exceptions import ResourceNotFoundError

        def read() -> OnlineDeployment | None:
            with azure_errors("the deployment could not be read", f"deployment {name}"):
                try:
                    found: OnlineDeployment = self.client.online_deployments.get(name, self.spec.endpoint)
                except ResourceNotFoundError:
                    return None
            return found

        return self.at_rest(f"deployment {name}", read, needed=needed, patient=patient)

    def names(self) -> list[str]:
        return sorted(self.tags())

    def tags(self) -> dict[str, dict[str, str]]:
        """Of every deployment, by its name."""
        with azure_errors("the deployments could not be listed", self.on):
            deployments = self.client.online_deployments.list(self.spec.endpoint)
            return {str(each.name): dict(each.tags or {}) for each in deployments}

    def begin(self, name: str, model: str, tags: dict[str, str]) -> LROPoller[OnlineDeployment]:
        """Starts a no-code MLflow deployment at 0 % of the traffic: no environment, no script."""
        from azure.ai.ml.entities import ManagedOnlineDeployment, OnlineRequestSettings

        spec = self.spec
        deployment = ManagedOnlineDeployment(
            name=name,
            endpoint_name=spec.endpoint,
            model=model,
            instance_type=spec.serving.vm_size,
            instance_count=spec.serving.instances,
            request_settings=OnlineRequestSettings(
                request_timeout_ms=settings_in_place.request_timeout(spec),
                max_concurrent_requests_per_instance=spec.serving.max_concurrent_requests,
            ),
            liveness_probe=settings_in_place.probe(spec.serving.liveness),
            readiness_probe=settings_in_place.probe(spec.serving.readiness),
            tags=tags,
        )
        self.report(f"deployment {name} of {model}: creating, {spec.serving.instances} x {spec.serving.vm_size}")
        with azure_errors("the deployment was refused", f"deployment {name}"):
            poller: LROPoller[OnlineDeployment]
            poller = self.client.online_deployments.begin_create_or_update(deployment)
        return poller

    def finish(self, name: str, poller: LROPoller[Any]) -> None:
        """Waits until the deployment is healthy.

        Raises ModelFault with the end of its log if it ended Failed; where Azure has no answer for a while, it is
        asked again for a quarter of an hour.
        """
        since, refused = time.monotonic(), None
        try:
            with azure_errors("the deployment failed", f"deployment {name}"):
                self.wait_for(poller, f"deployment {name}", "being created", bills=True)
        except NotFinished:
            raise
        except StageError as error:
            refused = error
            if passing(error):
                self.report(f"{WARNING}deployment {name}: {error.why.rstrip('.')}; its state is asked for again")
        found = self.find(name, patient=True)
        if found is not None and found.provisioning_state == HEALTHY:
            self.report(f"deployment {name} is healthy after {elapsed(since)}")
            return
        why = "it is gone" if found is None else f"it ended {azure.state(found.provisioning_state)}"
        if refused is not None and not passing(refused):
            why = refused.why
        todo = refused.todo if refused is not None else AGAIN
        failed = StageError if found is None else ModelFault
        why += last_lines(self.client, self.spec.endpoint, name) if found is not None else ""
        raise failed("the deployment failed", on=f"deployment {name}", why=why, todo=todo) from refused

    def adjust(self, name: str) -> None:
        """Gives a deployment the spec's request and probe settings where it has others; it goes on serving.

        One that such a change has left Failed is changed again.
        """
        if (found := self.find(name)) is None:
            return
        differences = settings_in_place.differences(found, self.spec)
        if found.provisioning_state == HEALTHY and not differences:
            return
        state = [] if found.provisioning_state == HEALTHY else [f"it is {azure.state(found.provisioning_state)}"]
        self.report(f"deployment {name}: updating in place, {', '.join(state + differences)}")
        self.settled()
        since = time.monotonic()
        with azure_errors("the deployment's settings could not be changed", f"deployment {name}"):
            settings_in_place.change(found, self.spec)
            poller = self.client.online_deployments.begin_create_or_update(found)
            self.wait_for(poller, f"deployment {name}", "being updated")
        found = self.find(name)
        if found is None or found.provisioning_state != HEALTHY:
            why = "it is gone" if found is None else f"it is {azure.state(found.provisioning_state)} after the change"
            todo = "Look into its log in the studio; `pulumi up --replace '**::release'` makes the change again."
            raise StageError("the deployment's settings were not changed", on=f"deployment {name}", why=why, todo=todo)
        self.report(f"deployment {name} updated after {elapsed(since)}")
        if left := settings_in_place.differences(found, self.spec):
            self.report(f"{WARNING}deployment {name} says that it still has other settings: {', '.join(left)}")

    def remove(self, name: str, *, needed: bool = False) -> None:
        """Deletes a deployment that takes no traffic; one that is gone is fine."""
        from azure.core.exceptions import ResourceNotFoundError

        if self.tags().get(name, {}).get(scaling.SCALED):
            scaling.remove(self.spec, name)
        endpoint = self.settled(needed=needed)
        if name in shares(endpoint.mirror_traffic):
            endpoint.mirror_traffic = {}
            self.write(endpoint, "the mirrored traffic", "being taken away", needed=needed)
        with azure_errors("the deployment could not be deleted, it still costs money", f"deployment {name}"):
            try:
                poller = self.client.online_deployments.begin_delete(name, self.spec.endpoint)
                self.wait_for(poller, f"deployment {name}", "being deleted", needed=needed)
            except ResourceNotFoundError:
                return
        self.report(f"deployment {name} deleted")

    def drain(self, already: float = 0, *, needed: bool = False) -> None:
        """Lets a deployment without traffic finish its answers; ``already`` so many seconds have passed.

        Where ``needed``, to be told to stop only ends the waiting.
        """
        if (left := self.spec.serving.drain_seconds - already) > 0:
            self.report(f"waiting {left:g} s for the answers under way")
            try:
                pause(left, tell=minutely(self.report, "still waiting for the answers under way"), stop=self.stop)
            except Stopped:
                if not needed:
                    raise self.stopped("the answers under way come to their end") from None

    def address(self) -> tuple[str, Key]:
        """Scoring URL, and the key or, where the endpoint has none, what gets tokens of the caller's."""
        with azure_errors("the endpoint's key could not be read", self.on):
            endpoint = self.client.online_endpoints.get(self.spec.endpoint)
            if by_token(endpoint.auth_mode):
                return str(endpoint.scoring_uri), token
            keys = self.client.online_endpoints.get_keys(self.spec.endpoint)
        return str(endpoint.scoring_uri), str(getattr(keys, "primary_key", ""))
