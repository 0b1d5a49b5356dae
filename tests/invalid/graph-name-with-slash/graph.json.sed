2s/"base"/"a\/b"/
