"""What a service says about itself: log lines, metrics, health."""
