"""What screener.toml says, table by table; config.py puts it together."""
