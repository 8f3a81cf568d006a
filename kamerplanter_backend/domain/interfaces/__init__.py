"""What a store has to offer; they know documents and keys, nothing of gardens."""
