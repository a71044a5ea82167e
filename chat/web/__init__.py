"""The chat in the browser: a page on loopback with the models' answers side by side.

Not in it: asking the models (the client). `chat` alone starts it.
"""
