"""The plugins that ship with wye: transports, vendors and transforms."""
