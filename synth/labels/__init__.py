"""Labels computed from the samples of a store: pose classes, skeleton maps, targets of networks."""
