"""What a command sends to Azure: written down as it comes, and brought into a form that is the same at every run."""
