"""What a person may set, and how the server writes its log."""
