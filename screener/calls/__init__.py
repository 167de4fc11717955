"""A call, or a visit of a phone of ours, as it goes on: what its script asks for is done."""
