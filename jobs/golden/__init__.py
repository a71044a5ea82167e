"""The golden questions: asked of a model, and how its answers score.

Not in it: what follows from a score (`release`, `evaluation`), which both import it.
"""
