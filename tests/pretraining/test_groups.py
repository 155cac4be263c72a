"""Texts are joined with texts of their own group alone."""

from tiny import TinyModels, bench


def test_the_blocks_of_two_groups_are_those_of_each_alone(models: TinyModels) -> None:
    ready = bench("pretrain", models.plain)
    groups = [number % 2 for number in range(len(ready.examples))]
    together = ready.codec.encode_labelled(ready.examples, groups=groups)
    apart = [ready.codec.encode_labelled(ready.examples[group::2]) for group in (0, 1)]
    assert [w.targets.tolist() for w in together] == [w.targets.tolist() for own in apart for w in own]
    assert [groups[w.example] for w in together] == [0] * len(apart[0]) + [1] * len(apart[1])
    assert [w.targets.tolist() for w in together] != [w.targets.tolist() for w in ready.windows]
