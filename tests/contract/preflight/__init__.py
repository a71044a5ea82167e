"""The preflight, quota requests and the purge against the emulator."""
