"""What is made from the settings' models: Pulumi.yaml's config block, docs/settings.md and the schema for editors."""
