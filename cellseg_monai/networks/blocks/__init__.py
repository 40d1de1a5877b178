"""Parts that networks share, one a file."""
