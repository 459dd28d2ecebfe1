"""Loading a CSV of people or events through the public graph, so that it can be stopped and taken up again."""
