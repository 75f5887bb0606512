"""The adapter that carries out Fingertip's approved work in a bank's core."""
