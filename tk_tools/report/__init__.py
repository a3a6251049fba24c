"""Rows of measurements -> one HTML page that opens from disk: rows.py reads, systems.py joins, page.py writes."""
