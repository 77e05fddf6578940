{ ... }: import ./throw.nix
