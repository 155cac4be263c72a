"""Who tries the trainings: processes here, or on the machines of a Ray cluster."""
