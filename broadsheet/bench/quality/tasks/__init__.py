"""One module per group of tasks; each offers `TASKS`."""
