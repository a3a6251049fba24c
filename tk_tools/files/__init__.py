"""What is on disk: one module per kind of file, its schema, reader and writer; files appear whole or not at all."""
