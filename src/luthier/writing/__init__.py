"""What language models have in common: how likely they find a text, and how they write one."""
