"""The sections of a stack's settings, a module each. A key is declared here and nowhere else.

Not in it: checks across sections (`settings.conflicts`). `settings` imports it; others read what they are given.
"""
