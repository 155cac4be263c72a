# What is used of the two vectorizers; pyright infers their types from the source for 6 s otherwise.
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
from scipy.sparse import csr_matrix

class _Vectorizer:
    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> Self: ...
    def transform(self, raw_documents: Iterable[Any]) -> csr_matrix: ...
    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> csr_matrix: ...
    def build_analyzer(self) -> Callable[[Any], list[str]]: ...

class HashingVectorizer(_Vectorizer):
    def __init__(
        self,
        *,
        input: Literal["content", "filename", "file"] = "content",
        encoding: str = "utf-8",
        decode_error: Literal["strict", "ignore", "replace"] = "strict",
        strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None = None,
        lowercase: bool = True,
        preprocessor: Callable[[Any], str] | None = None,
        tokenizer: Callable[[str], Iterable[str]] | None = None,
        stop_words: Literal["english"] | list[str] | None = None,
        token_pattern: str | None = ...,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: Literal["word", "char", "char_wb"] | Callable[[Any], Iterable[str]] = "word",
        n_features: int = ...,
        binary: bool = False,
        norm: Literal["l1", "l2"] | None = "l2",
        alternate_sign: bool = True,
        dtype: Any = np.float64,
    ) -> None: ...

class TfidfVectorizer(_Vectorizer):
    vocabulary_: Mapping[str, int]
    def __init__(
        self,
        *,
        input: Literal["content", "filename", "file"] = "content",
        encoding: str = "utf-8",
        decode_error: Literal["strict", "ignore", "replace"] = "strict",
        strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None = None,
        lowercase: bool = True,
        preprocessor: Callable[[Any], str] | None = None,
        tokenizer: Callable[[str], Iterable[str]] | None = None,
        analyzer: Literal["word", "char", "char_wb"] | Callable[[Any], Iterable[str]] = "word",
        stop_words: Literal["english"] | list[str] | None = None,
        token_pattern: str | None = ...,
        ngram_range: tuple[int, int] = (1, 1),
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Mapping[str, int] | Iterable[str] | None = None,
        binary: bool = False,
        dtype: Any = np.float64,
        norm: Literal["l1", "l2"] | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
    ) -> None: ...
