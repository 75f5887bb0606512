"""The bank's customers: who they are, and what the bank knows of them."""
