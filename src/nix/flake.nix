# The value of a flake, made from its source and its lock file by Nix's rules. It needs no
# experimental feature except for `fetchTree`, which may be answered.
{
  source, # the tree of the flake: a set with `outPath`
  directory, # the directory of flake.nix in it; "" at the top
  lock ? null, # the content of flake.lock, if the tree has none
  nixVersion, # the version of Nix whose rules apply: they differ
}:
let
  inherit (builtins)
    attrNames
    attrValues
    compareVersions
    elem
    filter
    foldl'
    head
    intersectAttrs
    isString
    mapAttrs
    pathExists
    substring
    unsafeDiscardStringContext
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

  # By itself, `fetchTree` clones without the history that Nix clones for a flake. That would be a
  # second download, which not every server offers.
  whole = at: if at.type or "" == "git" then { shallow = false; } else { };

  # Until 2.25 a lock file does not state the flake that an input is a directory of: it is the one
  # with this input.
  parentOf =
    name: node:
    if node ? parent then
      nodeOf node.parent
    else
      head (filter (other: elem name (attrValues (locked.nodes.${other}.inputs or { }))) (attrNames locked.nodes));

  # For these versions, such a directory is a tree of its own.
  treeOf =
    at: place:
    intersectAttrs { narHash = null; } at
    // {
      lastModified = 1;
      lastModifiedDate = "19700101000001";
      outPath = builtins.path {
        path = /. + unsafeDiscardStringContext place;
        name = "source";
      };
    };

  isBefore = version: compareVersions nixVersion version < 0;

  flakes = mapAttrs (
    name: node:
    let
      isRoot = name == locked.root;
      at = node.locked or { };
      # It is a directory of the flake that names it.
      isInParent = !isRoot && at.type or "" == "path" && substring 0 1 at.path != "/";
      parent = flakes.${parentOf name node};
      inParent = below parent.place at.path;

      tree =
        if isRoot then
          source
        else if isInParent then
          if node ? parent then
            parent.tree // (if isBefore "2.30" then { outPath = inParent; } else { })
          else
            treeOf at inParent
        else
          builtins.fetchTree (whole at // removeAttrs at [ "dir" ]);
      top = if isInParent && node ? parent then inParent else tree.outPath;
      place = below top (if isRoot then directory else at.dir or "");

      plain = tree // {
        # There, a flake in a directory of its tree has the tree's path as its own.
        outPath = if isBefore "2.14" then top else place;
        sourceInfo = tree;
      };
      inputs = mapAttrs (_: input: flakes.${nodeOf input}.value) (node.inputs or { });
      outputs = (import (place + "/flake.nix")).outputs (inputs // { self = flake; });
      flake =
        outputs
        // plain
        // {
          _type = "flake";
          inherit inputs outputs;
        };
    in
    {
      inherit tree place;
      # There, an input that is no flake has only the attributes of its tree.
      value =
        if node.flake or true then
          flake
        else if isBefore "2.30" then
          tree
        else
          plain;
    }
  ) locked.nodes;
in
flakes.${locked.root}.value
