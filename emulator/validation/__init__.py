"""Request bodies checked against Azure's own typed models, and the API versions each type has."""
