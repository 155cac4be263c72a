"""Texts become vectors that do not depend on what stands beside them."""

import numpy as np

from luthier.inference.embed import text_embedder
from luthier.models.find import find_model
from tiny import TinyModels


def test_a_text_has_one_vector_of_length_one_whatever_stands_beside_it(models: TinyModels) -> None:
    embed = text_embedder(find_model(str(models.encoder)), "cpu")
    texts = ["where is my parcel", "money back please " * 20, "card", "the driver was late again " * 90]
    together = embed(texts)
    assert together.dtype == np.float32 and np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    for text, vector in zip(texts, together, strict=True):
        assert np.allclose(embed([text])[0], vector, atol=1e-5)
    assert not np.allclose(together[0], together[1], atol=1e-2)


def test_no_texts_no_vectors(models: TinyModels) -> None:
    folder = find_model(str(models.encoder))
    assert text_embedder(folder, "cpu")([]).shape == (0, folder.hidden_size)
