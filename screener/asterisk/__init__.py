"""The only place that speaks to Asterisk: ARI over HTTP and WebSocket, caller's audio over RTP."""
