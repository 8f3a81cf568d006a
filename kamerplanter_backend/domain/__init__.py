"""What the garden is about: models, store interfaces, repositories and services."""
