"""The journey once more with what is Pulumi's own: CLI, language host and azure-native plugin, in place of ours."""
