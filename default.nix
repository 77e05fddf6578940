# shellpack for Nix without flakes: nix-env -f . -i, or (import ./shellpack { inherit pkgs; }).
{
  pkgs ? import <nixpkgs> { },
}:

pkgs.callPackage ./nix/package.nix { }
