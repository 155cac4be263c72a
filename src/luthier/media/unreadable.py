"""What is wrong with a file of an image or a sound."""

from __future__ import annotations


class Unreadable(Exception):  # noqa: N818  says what the file is; who knows the row makes an error of it
    """what: is wrong, fix: the remedy, both for people; code: kebab-case."""

    def __init__(self, what: str, fix: str, code: str) -> None:
        super().__init__(what)
        self.what, self.fix, self.code = what, fix, code
