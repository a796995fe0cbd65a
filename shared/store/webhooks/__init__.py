"""Webhook endpoints, delivery queue, replays and the WebSub hub."""
