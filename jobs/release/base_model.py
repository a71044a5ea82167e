"""The deployment of the untuned model beside the tuned one, for comparison. Its failure never harms a release."""

from __future__ import annotations

from cloud.errors import NotFinished, StageError
from cloud.report import WARNING
from cloud.states import HEALTHY
from jobs.release import contracts, standing, unfinished
from jobs.release.deployments import MODEL, Endpoint
from jobs.release.spec import BASE_DEPLOYMENT


class BaseModelBeside:
    """The deployment of the untuned model beside the new one. Its failure never harms the release."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._poller: object | None = None
        self._error: StageError | None = None

    def begin(self) -> None:
        """Starts what is missing, while the new deployment is being created too."""
        spec = self._endpoint.spec
        if not spec.serving.compare_with_base:
            return
        try:
            found = self._endpoint.find(BASE_DEPLOYMENT)
            wanted = {MODEL: spec.base_model.model_uri, "instance_type": spec.serving.vm_size}
            if found is not None:
                tags = found.tags or {}
                same = all(tags.get(key) == value for key, value in wanted.items())
                if same and found.provisioning_state == HEALTHY:
                    self._endpoint.adjust(BASE_DEPLOYMENT)
                    return
                if not unfinished.ours(tags):
                    raise _strangers()
                self._endpoint.remove(BASE_DEPLOYMENT)
            tags = {
                **standing.fitting(spec.tags, self._endpoint.report),
                **wanted,
                **contracts.of_base(spec.base_model, self._endpoint.report).tags,
            }
            self._poller = self._endpoint.begin(BASE_DEPLOYMENT, spec.base_model.model_uri, tags)
        except NotFinished:
            raise
        except StageError as error:
            self._error = error

    def finish(self) -> None:
        """Waits for it, or removes it where it is not wanted. Raises StageError, the release being done."""
        spec, endpoint = self._endpoint.spec, self._endpoint
        if not spec.serving.compare_with_base:
            its = endpoint.tags().get(BASE_DEPLOYMENT)
            if its is not None and unfinished.ours(its):
                endpoint.remove(BASE_DEPLOYMENT)
            elif its is not None:
                endpoint.report(f"{WARNING}{_strangers().why}: it is left alone, and bills")
            return
        if self._error is not None:
            raise self._error
        if self._poller is not None:
            endpoint.finish(BASE_DEPLOYMENT, self._poller)  # type: ignore[arg-type]

    def after_failure(self, *, in_service: bool) -> None:
        """Removes it where it was begun for nothing: beside no model. Beside one that answers it stays, as wanted.

        Raises StageError.
        """
        endpoint = self._endpoint
        if self._poller is None:
            return
        if in_service:
            endpoint.report(f"{WARNING}deployment {BASE_DEPLOYMENT} stays beside the model in service, and bills")
        elif endpoint.find(BASE_DEPLOYMENT, needed=True) is not None:
            endpoint.remove(BASE_DEPLOYMENT, needed=True)


def _strangers() -> StageError:
    why = f"deployment {BASE_DEPLOYMENT} carries no tag of a release"
    todo = "Delete it, or set serving.compareWithBase to false."
    return StageError("the base model was not deployed", on=f"deployment {BASE_DEPLOYMENT}", why=why, todo=todo)
