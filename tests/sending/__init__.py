"""The engine: from due deliveries to what was sent, counted and told."""
