"""Who is there: sessions, signing in by password and second factor, and by identity provider."""
