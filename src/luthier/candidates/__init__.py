"""Which pretrained model for these data? Those at hand are measured; of others is told what is known."""
