"""A model with an encoder answers texts, not conversations; with beams, too."""

from typing import Any

import httpx
import openai
import pytest

from production.helpers import saved, serving, user
from tiny import TinyModels

pytestmark = pytest.mark.slow

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


class TestChosenAnswers:
    def test_a_run_with_choices_answers_with_the_one_that_predict_names(
        self, tmp_path_factory: pytest.TempPathFactory, models: TinyModels
    ) -> None:
        place = tmp_path_factory.mktemp("choices")
        predictor = saved("sft", models.causal, place, larger=4, choices=["late", "refund", "card"])
        expected = [said["label"] for said in predictor.predict(TEXTS)]
        with serving(predictor) as server:
            client = server.client()
            create: Any = client.chat.completions.create
            posted = httpx.post(f"{server.address}/predict", json={"inputs": TEXTS}, timeout=60).json()
            assert [said["label"] for said in posted["predictions"]] == expected
            for text, label in zip(TEXTS, expected, strict=True):
                asked = {"model": server.model, "messages": user(text)}
                (choice,) = create(**asked, temperature=0).choices
                assert (choice.message.content, choice.finish_reason) == (label, "stop")
                pieces = create(**asked, stream=True)
                assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == label
            said = client.completions.create(model=server.model, prompt=TEXTS).choices
            assert [choice.text for choice in said] == expected
            for more in ({"temperature": 1}, {"stop": "a"}, {"max_tokens": 3}):
                with pytest.raises(openai.BadRequestError, match=next(iter(more))):
                    create(model=server.model, messages=user("a"), **more)

    def test_a_model_that_fills_gaps_writes_nothing(
        self, tmp_path_factory: pytest.TempPathFactory, models: TinyModels
    ) -> None:
        predictor = saved("pretrain", models.masked, tmp_path_factory.mktemp("gaps"))
        with serving(predictor) as server:
            mask = predictor.codec.text.tokenizer.id_to_token(predictor.codec.task.mask_id)
            text = f"my {mask} is late"
            posted = httpx.post(f"{server.address}/predict", json={"inputs": text}, timeout=60).json()["predictions"]
            assert posted == predictor.predict([text])
            with pytest.raises(openai.BadRequestError, match="writes no text"):
                server.client().completions.create(model=server.model, prompt=text)

    def test_a_pretrained_model_goes_on_with_a_text(
        self, tmp_path_factory: pytest.TempPathFactory, models: TinyModels
    ) -> None:
        predictor = saved("pretrain", models.plain, tmp_path_factory.mktemp("on"), larger=4, max_new_tokens=6)
        expected = [said["generated_text"] for said in predictor.predict(TEXTS)]
        with serving(predictor) as server:
            said = server.client().completions.create(model=server.model, prompt=TEXTS).choices
            assert [choice.text for choice in said] == expected
