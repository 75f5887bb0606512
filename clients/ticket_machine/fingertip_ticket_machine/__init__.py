"""The ticket machine: a thin Fingertip client that prints queue tickets."""
