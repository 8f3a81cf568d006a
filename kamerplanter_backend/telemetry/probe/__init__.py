"""The live side of a probe: samples in, judged readings and its state out."""
