"""Who calls: devices and adapters that the bank admitted, and staff who signed in on them."""
