"""Why a model said so, as a page."""
