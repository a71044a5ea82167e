"""The chat in the browser: a page on loopback with the models' answers side by side."""
