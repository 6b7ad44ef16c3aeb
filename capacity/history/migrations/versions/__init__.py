"""The migrations, forward only, one file each; the number in the name is the order."""
