"""Dataset → checked chat records → ``train_data.jsonl`` and ``test_data.jsonl``.

``python -m data_prep`` makes the files; :func:`fingerprint` names their content. Importing the package is
cheap: ``datasets`` (seconds of import) is loaded only when rows are read.

Not in it: putting the files on Azure (`jobs.dataset`). `jobs`, `infra` and a job on a cluster import it; of ours it
imports `settings` and `cloud`.
"""

from __future__ import annotations

from data_prep.card.card import fingerprint
from data_prep.errors import DataError

__all__ = ["DataError", "fingerprint"]
