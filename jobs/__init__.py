"""What happens after deployment: the stages dataset, finetune and release, as resumable steps on Azure ML.

In it: a room a stage, and the commands `python -m jobs`. Not in it: what Pulumi declares (`infra`), and Pulumi itself.
`infra` and `__main__` may import it; of ours it imports `settings`, `cloud`, `chat`, `data_prep` and the flow's files.
"""

from __future__ import annotations

import sys
from pathlib import Path

# A Pulumi hook runs when the program's folder is off the path again (runpy puts it there for __main__ only and
# takes its own entry away), and the stages import the packages beside this one only when they need them.
sys.path.append(str(Path(__file__).resolve().parent.parent))
