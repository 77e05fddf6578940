abort "enough"
