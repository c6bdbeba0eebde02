"""Floor 2: every operation, declared once with its derivatives."""
