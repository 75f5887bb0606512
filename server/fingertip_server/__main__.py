"""Runs the command line: `python -m fingertip_server`."""

from fingertip_server.cli import app

app()
