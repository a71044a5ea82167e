"""The key of a model server: whoever else is on this machine reaches its port, and is to get no answer."""

from __future__ import annotations

import os
import secrets

VARIABLE = "MODEL_SERVER_KEY"
"""Holds the key of a server: the environment of a process is its owner's alone, its command line is everybody's."""


def headers(key: str) -> dict[str, str]:
    """What a request has to carry."""
    return {"Authorization": f"Bearer {key}"}


def right(given: str | None, key: str) -> bool:
    """Whether an Authorization header carries the key."""
    return secrets.compare_digest((given or "").encode(), headers(key)["Authorization"].encode())


def demand() -> None:
    """Have the inference server that is just loading its scoring script refuse whoever does not carry its key."""
    import flask
    from azureml_inference_server_http.server.routes import main_blueprint

    key = os.environ[VARIABLE]

    def refuse() -> tuple[str, int] | None:
        return None if right(flask.request.headers.get("authorization"), key) else ("the key is missing or wrong", 401)

    # Of the server's own routes, which are all it has; behind its own preparation, which what it does afterwards needs.
    main_blueprint.before_request(refuse)
