"""What happens after deployment: the stages dataset, finetune and release, as resumable steps on Azure ML."""

from __future__ import annotations

import sys
from pathlib import Path

# A Pulumi hook runs when the program's folder is off the path again (runpy puts it there for __main__ only and
# takes its own entry away), and the stages import the packages beside this one only when they need them.
sys.path.append(str(Path(__file__).resolve().parent.parent))
