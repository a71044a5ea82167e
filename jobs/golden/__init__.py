"""The golden questions: asked of a model, and how its answers score."""
