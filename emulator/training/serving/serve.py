"""Serve a model folder with the real Azure ML inference server, on loopback only.

    python -m emulator.training.serving.serve --model DIR --port N

POST /score answers the tutorial's payload, GET / answers "Healthy", both to who carries the key that MODEL_SERVER_KEY
holds. SIGTERM ends it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from emulator.training.errors import TrainingError
from emulator.training.model.folder import find
from emulator.training.serving import key

LOOPBACK = "127.0.0.1"


def serve(model: Path, port: int) -> None:
    """Run the inference server on 127.0.0.1:`port` until it is stopped. Raises TrainingError: no model, or no key."""
    if not os.environ.get(key.VARIABLE):
        raise TrainingError(f"{key.VARIABLE} is not set: without a key, whoever is on this machine could ask the model")
    folder = find(model).resolve()
    here = Path(__file__).resolve().parent
    # Settings of a surrounding Azure job must not reach this server: an Application Insights key above all.
    for name in [n for n in os.environ if n.startswith(("AML_", "AZUREML_", "GUNICORN_"))]:
        del os.environ[name]
    os.environ.update(
        AZUREML_MODEL_DIR=str(folder),
        AML_APP_ROOT=str(here),
        AML_APP_INSIGHTS_ENABLED="false",
        GUNICORN_CMD_ARGS="--no-control-socket",  # gunicorn would put a control socket into the user's home
        OMP_NUM_THREADS="1",  # the network is too small to gain from a second BLAS thread
        OPENBLAS_NUM_THREADS="1",
    )
    sys.path.insert(0, str(here.parents[2]))  # the entry script imports emulator.training

    from azureml_inference_server_http import amlserver

    # The server binds 0.0.0.0 and has no option for it; the host is this constant of its launcher.
    amlserver.DEFAULT_HOST = LOOPBACK
    sys.argv = ["azmlinfsrv", "--entry_script", str(here / "score.py"), "--port", str(port), "--worker_count", "1"]
    amlserver.run()


def main(arguments: list[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(
        prog="python -m emulator.training.serving.serve", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--model", type=Path, required=True, help="the MLflow model folder")
    parser.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    options = parser.parse_args(arguments)
    serve(options.model, options.port)


if __name__ == "__main__":
    try:
        main()
    except TrainingError as e:
        sys.exit(f"error: {e}")
