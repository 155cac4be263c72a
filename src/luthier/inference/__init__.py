"""Inputs to predictions: the one path of evaluation, serving and export. Imports nothing of training/."""
