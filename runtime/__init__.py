"""What surrounds a run: the lock, the schedule, the console, alerts and the doctor."""
