"""The verbs of `python -m jobs`, a module each, in a folder or not, which jobs/__main__.py finds by its name.

Each says HELP, a line, and ORDER, its place among the others; `arguments(parser)` declares what it takes beside
--stack, and `run(chosen)` does it. It is imported for --help and for the shell's completion, so what takes a while to
load (settings, rich, Azure's clients) it imports only when it runs.
"""
