"""Bank packs: what a bank configures, as a folder of YAML that is read whole or refused whole."""
