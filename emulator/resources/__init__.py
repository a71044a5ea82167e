"""The resource types the emulator serves, one class each."""
