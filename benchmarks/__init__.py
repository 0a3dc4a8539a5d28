"""Measurements. Each writes a file in results/ with the commit, versions, seeds and the command that made it."""
