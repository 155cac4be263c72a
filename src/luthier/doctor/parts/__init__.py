"""What sets training, validation and test apart?"""
