"""What only models that write can be asked: what they forgot, and what they learnt by heart."""
