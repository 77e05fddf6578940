# What makes a flake of the fixtures' nixpkgs.
{
  outputs =
    { self }:
    {
      legacyPackages.x86_64-linux = import ./. { system = "x86_64-linux"; };
    };
}
