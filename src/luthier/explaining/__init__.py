"""Why a model said so: which words made its answer, which training rows are near, and what would change its mind."""

from luthier.explaining.why import explain

__all__ = ["explain"]
