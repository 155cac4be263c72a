"""Understanding tasks beside the example recipe of Hugging Face: a command each."""
