"""Which files a job is given, and which belong together."""
