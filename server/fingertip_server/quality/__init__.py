"""How good the work is: the error file, scores, and second looks at what was approved."""
