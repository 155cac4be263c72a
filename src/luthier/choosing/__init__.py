"""What to do next with the data: is more of it worth its price, and which rows first?"""
