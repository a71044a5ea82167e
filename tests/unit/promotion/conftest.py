"""Two stacks and a registry between them."""

from __future__ import annotations

from sharing_fake import two

__all__ = ["two"]
