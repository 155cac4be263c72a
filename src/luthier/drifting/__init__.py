"""Is what a model is asked still like what it learnt from?"""
