"""The Python client of Fingertip: channel, sign-in, retries and watch streams."""
