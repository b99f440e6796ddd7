"""From chapters to a book: what a page shows, runs, sweeps, the scoreboard, the command line."""
