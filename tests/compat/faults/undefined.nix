{ x = nope; }.x
