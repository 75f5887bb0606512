"""A branch's lobby: tickets, calls to desks, and the alert that an important customer has come."""
