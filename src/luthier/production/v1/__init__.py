"""The routes that OpenAI's clients speak: chat, completions, embeddings, models."""
