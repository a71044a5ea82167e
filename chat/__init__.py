"""Chatting with the fine-tuned model: the client that asks the endpoint, and its front ends: terminal, page, agent."""
