"""Pulumi's language host for Python, where the official one cannot be had: runs a program and says what it needs.

Not in it: finding the CLI (`pulumi_cli`). The engine starts it through `pulumi_language_python`, its only reader.
"""
