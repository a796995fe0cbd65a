"""What enrich stands on: the killable child that parses."""
