"""Notifications on phones and in browsers."""
