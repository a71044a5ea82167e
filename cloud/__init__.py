"""How Azure is spoken to: who asks, the clients, what a refusal means, prices. Of ours it imports settings alone."""
