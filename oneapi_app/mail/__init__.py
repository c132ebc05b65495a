"""Letters by SMTP: what they look like, how they are sent. Knows neither who gets one nor why."""
