"""What a new or older store is filled with."""
