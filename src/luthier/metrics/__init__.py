"""Numbers from predictions and answers. NumPy in, NumPy out; no tensors, no tasks.

Every metric takes weights_RN: how often each of N examples counts, for R resamples at once. Ones give the plain
value; a bootstrap's counts give R values in one matrix product. So a point and its interval cannot differ in kind.
"""
