"""Handing over: a tuned model as a service."""
