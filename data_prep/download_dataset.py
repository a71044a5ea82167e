"""The tutorial's script: 1 % of ultrachat_200k, split 80/20 into two files in data/.

The same code as ``python -m data_prep``, with the tutorial's values; any of its flags may follow.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # run as a file: make the package importable, and its modules under their own names only
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from data_prep.__main__ import main

TUTORIAL = (
    *("--source", "HuggingFaceH4/ultrachat_200k"),
    *("--config", "default"),
    *("--split", "train_sft[:1%]"),
    *("--test-ratio", "0.2"),
    *("--out", "data"),
)

if __name__ == "__main__":
    main([*TUTORIAL, *sys.argv[1:]])
