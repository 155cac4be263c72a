# What is used of the two vectorizers; pyright infers their types from the source for 6 s otherwise.
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, Self, TypedDict, Unpack

from scipy.sparse import csr_matrix

class _Options(TypedDict, total=False):
    input: Literal["content", "filename", "file"]
    encoding: str
    decode_error: Literal["strict", "ignore", "replace"]
    strip_accents: Literal["ascii", "unicode"] | Callable[[str], str] | None
    lowercase: bool
    preprocessor: Callable[[Any], str] | None
    tokenizer: Callable[[str], Iterable[str]] | None
    stop_words: Literal["english"] | list[str] | None
    token_pattern: str | None
    ngram_range: tuple[int, int]
    analyzer: Literal["word", "char", "char_wb"] | Callable[[Any], Iterable[str]]
    binary: bool
    norm: Literal["l1", "l2"] | None
    dtype: Any

class _Vectorizer:
    def fit(self, raw_documents: Iterable[Any], y: Any = None) -> Self: ...
    def transform(self, raw_documents: Iterable[Any]) -> csr_matrix: ...
    def fit_transform(self, raw_documents: Iterable[Any], y: Any = None) -> csr_matrix: ...
    def build_analyzer(self) -> Callable[[Any], list[str]]: ...

class HashingVectorizer(_Vectorizer):
    def __init__(
        self,
        *,
        n_features: int = ...,
        alternate_sign: bool = True,
        **options: Unpack[_Options],
    ) -> None: ...

class TfidfVectorizer(_Vectorizer):
    vocabulary_: Mapping[str, int]
    def __init__(
        self,
        *,
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Mapping[str, int] | Iterable[str] | None = None,
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
        **options: Unpack[_Options],
    ) -> None: ...
