"""Will it fit, and how long will it take? Reckoned first, then confirmed by a few real steps."""

from luthier.planning.will_it_fit import Plan, plan

__all__ = ["Plan", "plan"]
