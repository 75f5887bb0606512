"""Applications: from the first field to the submission, and what the bank made of them."""
