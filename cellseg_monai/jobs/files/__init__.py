"""Files that a job reads: inputs, the files that belong to them, and their content."""
