"""A model behind HTTP: uploads come in, wait in a queue that survives a restart, and a worker process makes results."""
