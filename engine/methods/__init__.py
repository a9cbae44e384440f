"""The methods, one file each; a new file is registered the moment it exists."""
