"""Encoders of BERT's make on a CPU, computed without padding and with weights laid out for the processor."""
