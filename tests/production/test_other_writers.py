"""A model with an encoder answers texts, not conversations; with beams, too."""

from typing import Any

import httpx
import openai
import pytest

from production.helpers import saved, serving, user
from tiny import TinyModels

TEXTS = ["the parcel was late again", "please send my money back", "hello"]


@pytest.mark.parametrize("beams", [1, 3])
def test_texts_are_continued_as_predict_does_and_turns_are_refused(
    beams: int, tmp_path_factory: pytest.TempPathFactory, models: TinyModels
) -> None:
    place = tmp_path_factory.mktemp("beams")
    predictor = saved("seq2seq", models.t5, place, larger=3, max_new_tokens=6, num_beams=beams)
    expected = [said["generated_text"] for said in predictor.predict(TEXTS)]
    with serving(predictor) as server:
        client = server.client()
        create: Any = client.completions.create
        assert [choice.text for choice in create(model=server.model, prompt=TEXTS).choices] == expected
        pieces = create(model=server.model, prompt=TEXTS[0], stream=True)
        assert "".join(piece.choices[0].text for piece in pieces) == expected[0]
        reply = httpx.post(f"{server.address}/predict", json={"inputs": TEXTS}, timeout=60).json()
        assert [said["generated_text"] for said in reply["predictions"]] == expected
        drawn = {create(model=server.model, prompt="hello", temperature=2, seed=i).choices[0].text for i in range(4)}
        assert len(drawn) > 1
        with pytest.raises(openai.BadRequestError, match="/v1/completions"):
            client.chat.completions.create(model=server.model, messages=user("a"))
