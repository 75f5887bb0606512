"""The Fingertip server: a bank's mobile branch behind one gRPC contract."""
