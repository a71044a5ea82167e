"""What happens after deployment: the stages dataset, finetune and release, as resumable steps on Azure ML."""

from __future__ import annotations

# A Pulumi hook runs when the program's folder is off the path again (runpy puts it there for __main__ only), so
# the packages beside this one that the stages need have to be known before. Both are cheap to import.
import data_prep as _data_prep  # noqa: F401
import flow as _flow  # noqa: F401
