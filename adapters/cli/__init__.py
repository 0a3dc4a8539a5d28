"""The command line `grpo`: every command speaks to a service over HTTP, one that runs elsewhere or one within this process."""
