"""python -m flow: the same as python -m chat, for who starts the chat from the flow's folder name."""

from __future__ import annotations

from chat.__main__ import main

if __name__ == "__main__":
    main()
