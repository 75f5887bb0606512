"""What operators do at the command line, signed in like everybody else."""
