# `fetchTree` for the inputs of a flake. Nix takes an input from the store if a tree with the locked
# hash is there; its `fetchTree` goes to the input's place from 2.24 on.
arguments:
let
  inherit (builtins)
    fetchTree
    intersectAttrs
    pathExists
    unsafeDiscardStringContext
    ;

  # It is never built: only its output has the path of a tree with this hash.
  tree = derivation {
    name = "source";
    system = "builtin";
    builder = "builtin:fetchurl";
    outputHash = arguments.narHash;
    outputHashAlgo = "sha256";
    outputHashMode = "recursive";
  };
  place = unsafeDiscardStringContext tree.outPath;

  # Nix then does not fetch, and the other attributes are those that are locked.
  held =
    fetchTree (
      intersectAttrs {
        lastModified = null;
        narHash = null;
        rev = null;
        revCount = null;
      } arguments
      // {
        type = "path";
        path = place;
      }
    )
    // (if arguments.type or "" == "git" then { submodules = arguments.submodules or false; } else { });
in
if arguments ? narHash && pathExists place then held else fetchTree arguments
