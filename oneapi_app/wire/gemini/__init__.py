"""Gemini's generateContent and embeddings. https://ai.google.dev/api/generate-content"""
