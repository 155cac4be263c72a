"""What is wrong with the texts themselves, whatever their labels are."""
