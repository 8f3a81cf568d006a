"""What can be done in a garden: one class per subject, one method per use case."""
