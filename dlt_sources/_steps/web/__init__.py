"""What HTTP needs: polite requests that go nowhere they were not told to, logins, pages, JSON to the letter."""
