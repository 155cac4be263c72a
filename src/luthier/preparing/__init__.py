"""From the settings to examples that can be trained on: read, cleaned, checked, split."""
