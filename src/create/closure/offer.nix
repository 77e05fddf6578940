# The package that a package set offers at an attribute path, as a list: empty if it offers none. It is
# asked for as nix-shell asks for its bash, but without a user's configuration: it is the same for all users.
{ path, system, attribute }:

let
  flake = import (path + "/flake.nix");
  isOnlyFlake =
    builtins.pathExists (path + "/flake.nix") && !builtins.pathExists (path + "/default.nix");

  # Its inputs are not looked for: a flake that offers packages of its own needs none.
  inputs =
    builtins.mapAttrs (name: _: throw "the input '${name}' is not known here") (
      builtins.functionArgs flake.outputs
    )
    // {
      self = outputs // {
        inherit outputs;
        outPath = path;
      };
    };
  outputs = flake.outputs inputs;

  function = import path;
  arguments = {
    inherit system;
    config = { };
    overlays = [ ];
  };
  wanted =
    if system == builtins.currentSystem then removeAttrs arguments [ "system" ] else arguments;

  packages =
    if isOnlyFlake then
      outputs.legacyPackages.${system} or { }
    else if builtins.isFunction function then
      function (builtins.intersectAttrs (builtins.functionArgs function) wanted)
    else
      { };

  at =
    names: set:
    if names == [ ] then
      [ set ]
    else if set ? ${builtins.head names} then
      at (builtins.tail names) set.${builtins.head names}
    else
      [ ];
in
at attribute packages
