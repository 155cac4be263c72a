"""Several tasks as parts of one: what is named for each, how their windows and targets travel together."""
