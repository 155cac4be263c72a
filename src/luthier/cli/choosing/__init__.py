"""Commands that choose before anything is trained: will it fit, and what with?"""
