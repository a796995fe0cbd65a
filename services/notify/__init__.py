"""notify: delivers the events that saved searches match to webhooks."""
