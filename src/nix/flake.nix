# A flake's value, made from its source and its lock file as Nix would make it. It takes no
# feature of Nix that has to be turned on, but for `fetchTree`, which may be answered.
{
  source, # the tree that the flake is in: a set with `outPath`
  directory, # where in it flake.nix lies; "" at the top
  lock ? null, # what flake.lock says, where the tree has none
}:
let
  inherit (builtins)
    foldl'
    isString
    mapAttrs
    pathExists
    substring
    ;

  below = dir: rest: if rest == "" then dir else dir + "/" + rest;

  lockFile = below source.outPath directory + "/flake.lock";
  locked =
    if lock != null then
      lock
    else if pathExists lockFile then
      builtins.fromJSON (builtins.readFile lockFile)
    else
      {
        root = "root";
        nodes.root = { };
      };

  # An input is the name of a node, or the inputs that lead to it from the root.
  nodeOf =
    input:
    if isString input then
      input
    else
      foldl' (node: name: nodeOf locked.nodes.${node}.inputs.${name}) locked.root input;

  # Of its own accord `fetchTree` clones without history what Nix, for a flake, clones with it: a
  # second download, which not every server of repositories offers.
  whole = at: if at.type or "" == "git" then { shallow = false; } else { };

  flakes = mapAttrs (
    name: node:
    let
      isRoot = name == locked.root;
      at = node.locked or { };
      parent = flakes.${nodeOf (node.parent or [ ])};
      # A directory of the flake that names it, rather than a tree of its own.
      isInParent = at.type or "" == "path" && substring 0 1 at.path != "/";

      tree =
        if isRoot then
          source
        else if isInParent then
          parent.tree
        else
          builtins.fetchTree (whole at // removeAttrs at [ "dir" ]);
      top = if isInParent then below parent.place at.path else tree.outPath;
      place = below top (if isRoot then directory else at.dir or "");

      inputs = mapAttrs (_: input: flakes.${nodeOf input}.value) (node.inputs or { });
      outputs = (import (place + "/flake.nix")).outputs (inputs // { self = flake; });
      flake =
        outputs
        // tree
        // {
          _type = "flake";
          outPath = place;
          sourceInfo = tree;
          inherit inputs outputs;
        };
      plain = tree // {
        outPath = place;
        sourceInfo = tree;
      };
    in
    {
      inherit tree place;
      value = if node.flake or true then flake else plain;
    }
  ) locked.nodes;
in
flakes.${locked.root}.value
