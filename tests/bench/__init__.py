"""`make bench`: what screener costs, beside Asterisk's own dialplan doing the same work."""
