"""The sections of a stack's settings, a module each. A key is declared here and nowhere else.

Not in it: checks across sections (`settings.checks.conflicts`). `settings` imports it; others read what they are given.
"""
