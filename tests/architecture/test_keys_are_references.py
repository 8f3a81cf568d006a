"""A field that ends in `_key` points to something that is declared."""

from typing import Any

import pytest

from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import Scope

# Keys that are no references: of the owner, or of something that may be gone. An assignee may have
# left, and a garden that moves to another server brings its tasks without their people.
FREE_KEYS = {"tenant_key", "command_key", "natural_key", "assignee_key"}
# What was written may be taken back later; the pointer is a memory, not a dependency.
MEMORIES = {("tasks", "irrigation_key"), ("tasks", "confirmation_key")}


@pytest.mark.parametrize("repository", REPOSITORIES, ids=lambda item: item.collection.name)
def test_key_fields_are_declared_references(repository: type[Repository[Any]]) -> None:
    collection = repository.collection
    declared = {reference.field for reference in collection.references}
    keys = {
        name
        for name in collection.entity.model_fields
        if name.endswith("_key") and name not in FREE_KEYS
    }

    missing = {name for name in keys - declared if (collection.name, name) not in MEMORIES}

    assert missing == set() or collection.scope is Scope.SYSTEM
