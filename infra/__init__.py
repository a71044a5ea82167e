"""What Pulumi declares: the stack's settings, the names on Azure, and one component per file."""
