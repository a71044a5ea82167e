"""python -m flow: another name of python -m chat."""

from __future__ import annotations

from chat.__main__ import main

if __name__ == "__main__":
    main()
