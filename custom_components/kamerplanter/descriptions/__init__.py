"""Tables of entities, one module for each kind of device."""
