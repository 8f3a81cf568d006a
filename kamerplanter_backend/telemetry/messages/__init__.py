"""What devices send: from topic and payload to samples in canonical units."""
