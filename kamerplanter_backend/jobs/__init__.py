"""What happens by itself, declared once; whoever runs Kamerplanter only ticks."""
