"""What is on disk: one module per kind of file, with its schema, reader and writer; and how files appear whole or not at all."""
