"""The flow as the Foundry project would run it: prompt flow executes it, with the project's own connection.

Only promptflow-core is used: it keeps no home directory, no trace database and sends no telemetry, all of
which promptflow-devkit does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flow.chat import ChatError, ChatRequest, Turn, Unreachable
from jobs.credentials import ARM_SCOPE, CredentialError, credential
from jobs.errors import SIGN_IN

FLOW_DIRECTORY = Path(__file__).parent
_BOUND = "phi-connection"
"""The name flow.dag.yaml binds its connection input to; here the stack's connection goes by it."""


class ConnectionUnreadable(ChatError):
    """The project's connection could not be read."""


def load() -> None:
    """Imports promptflow (2 s), which can go on while something else is being waited for."""
    import promptflow.core  # noqa: F401


class ProjectFlow:
    """Callable flow. Making one reads the connection, key included, from the project. Raises ChatError."""

    def __init__(self, subscription_id: str, resource_group: str, project: str, connection: str) -> None:
        os.environ["PF_CONNECTION_PROVIDER"] = (
            f"azureml://subscriptions/{subscription_id}/resourceGroups/{resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{project}"
        )  # else promptflow would look for connections in the devkit's local database
        from promptflow.core import Flow

        self._flow = Flow.load(FLOW_DIRECTORY)
        self._connections = {_BOUND: _connection(subscription_id, resource_group, project, connection)}

    def __call__(self, request: ChatRequest) -> str:
        """The flow's ``answer``. Raises ChatError, as the node raised it."""
        from promptflow.exceptions import PromptflowException

        inputs = {
            "input_data": request.question,
            "chat_history": chat_history(request.history),
            "deployment": request.deployment,
            "temperature": request.temperature,
            "max_new_tokens": request.max_new_tokens,
        }
        try:
            result = self._flow.invoke(inputs, connections=self._connections)
        except PromptflowException as error:
            if isinstance(error.inner_exception, ChatError):
                raise error.inner_exception from None
            raise ChatError(f"Prompt flow could not run {FLOW_DIRECTORY.name}: {error}") from error
        return str(result.output["answer"])


def chat_history(history: Sequence[Turn]) -> list[dict[str, Any]]:
    """Turns in prompt flow's shape."""
    return [{"inputs": {"input_data": turn.question}, "outputs": {"answer": turn.answer}} for turn in history]


def _connection(subscription_id: str, resource_group: str, project: str, name: str) -> dict[str, Any]:
    """The connection as promptflow's executor takes it, secrets included.

    promptflow's own provider does the same, but imports azure-ai-ml (4 s) only to make the token's scope.
    """
    from azure.core.exceptions import ClientAuthenticationError
    from promptflow.core._connection_provider import _workspace_connection_provider as workspace
    from promptflow.core._connection_provider._models import WorkspaceConnectionPropertiesV2BasicResource
    from promptflow.core._errors import AccessDeniedError, OpenURLNotFoundError
    from promptflow.exceptions import PromptflowException
    from requests import RequestException

    provider = workspace.WorkspaceConnectionProvider
    url = workspace.GET_CONNECTION_URL.format(sub=subscription_id, rg=resource_group, ws=project, name=name)
    where = f"connection {name} of project {project}"
    try:
        token = credential().get_token(ARM_SCOPE).token
        found = provider.open_url(
            token,
            url,
            action="listsecrets",
            method="POST",
            model=WorkspaceConnectionPropertiesV2BasicResource,
        )
        built: dict[str, Any] = provider.build_connection_dict_from_rest_object(name, found)
    except CredentialError as error:
        raise ConnectionUnreadable(f"Nobody is signed in to read {where}: {error.why}. {error.todo}") from error
    except ClientAuthenticationError as error:
        raise ConnectionUnreadable(f"Nobody is signed in to read {where}. {SIGN_IN}") from error
    except AccessDeniedError as error:
        role = "Azure Machine Learning Workspace Connection Secrets Reader"
        raise ConnectionUnreadable(f"You may not read {where}. Ask for the role {role} on it.") from error
    except OpenURLNotFoundError as error:
        raise ConnectionUnreadable(f"There is no {where}. Run `make up` to make it.") from error
    except RequestException as error:
        raise Unreachable(f"Azure could not be reached for {where}. Check the network.") from error
    except PromptflowException as error:
        raise ConnectionUnreadable(f"The {where} could not be read: {error}") from error
    missing = {"endpoint", "key"} - set(built["value"])
    if missing:
        raise ConnectionUnreadable(f"The {where} lacks {', '.join(sorted(missing))}. Run `make up` to write it again.")
    return built
