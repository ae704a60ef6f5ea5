"""What a caller meets: the RPCs, and what holds for every one of them."""
