"""What the service knows: tables, city policies, places, the labelled corpus, and the typed records of a call."""
