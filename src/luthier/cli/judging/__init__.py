"""Commands that judge runs: against each other, and one beside the other."""
