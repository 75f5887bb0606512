"""A branch's lobby: tickets, calls, and the alert that an important customer has come."""
