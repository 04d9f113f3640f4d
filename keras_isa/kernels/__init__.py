"""How a CPU computes convolutions, poolings and products fast."""
