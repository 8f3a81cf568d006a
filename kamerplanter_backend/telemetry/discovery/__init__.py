"""What is heard on a broker ("listen now"), by device, and how each could be bound."""
