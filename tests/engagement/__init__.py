"""The verdicts on openings and clicks, and what they add up to."""
