{
  outputs =
    { self }:
    {
      text = builtins.readFile "${self}/flake.nix";
    };
}
