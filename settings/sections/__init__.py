"""The sections of a stack's settings, a module each. A key is declared here and nowhere else."""
