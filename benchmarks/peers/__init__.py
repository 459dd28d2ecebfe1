"""What people would pick instead, written as their documentation suggests."""
