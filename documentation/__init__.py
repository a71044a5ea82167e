"""Pages that are made from the code; `python -m documentation` writes them all."""
