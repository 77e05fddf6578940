# Evaluates files as Nix would, except that some of them see other builtins.
#
# It works by `scopedImport`: files that are scoped see the other builtins under every name
# that Nix gives them; all others are imported as always, so their evaluation stays cached
# and fast. The value of a file is exactly its own, a function too, so that Nix calls it as
# it would.
{
  isProject, # whether a file is scoped wherever it is met: a function of its absolute path
  files, # scoped files that are known to be imported, absolute paths
  replace, # the builtins that a file sees instead: a function of its absolute path
  # What a file gets that imports another one: a function of the file that imports, of what it
  # names, of where that is, and of its value.
  imported ? (
    _: _: _: value:
    value
  ),
  nixVersion ? builtins.nixVersion, # the Nix whose flakes are meant
}:
let
  inherit (builtins)
    attrNames
    elem
    listToAttrs
    scopedImport
    toString
    unsafeDiscardStringContext
    ;

  # Of a path, a string, or a set with `outPath`: where it is, without copying it anywhere.
  place = value: unsafeDiscardStringContext (toString value);

  # `scopedImport` does not remember what it imported. One thunk for each known file does,
  # or a diamond of imports would be evaluated once for every way through it.
  known = listToAttrs (
    map (file: {
      name = file;
      value = scopedImport (scopeOf file) (/. + file);
    }) (files ++ [ flakeFile ])
  );

  # What a flake fetches, and the files that it is made of, are seen like all others.
  flakeFile = toString ./flake.nix;

  load =
    from: path:
    let
      file = place path;
      default = file + "/default.nix";
    in
    if known ? ${file} then
      imported from path file known.${file}
    else if known ? ${default} then
      imported from path default known.${default}
    else
      imported from path file (if isProject file then scopedImport (scopeOf file) path else import path);

  # What Nix offers without `builtins.` and without underscores.
  bare = [
    "import"
    "scopedImport"
    "fetchTarball"
    "fetchGit"
    "fetchMercurial"
    "fetchTree"
  ];

  scopeOf =
    file:
    let
      replaced = replace file // {
        import = load file;
        scopedImport = scope: path: scopedImport (scopeOf (place path) // scope) path;
      };
      named = name: {
        name = if elem name bare then name else "__" + name;
        value = replaced.${name};
      };
    in
    listToAttrs (map named (attrNames replaced)) // { builtins = builtins // replaced; };
in
{
  inherit flakeFile place;
  load = load "";

  # What the expressions of arguments see instead, which are in no file.
  arguments =
    let
      scope = scopeOf "--arg";
    in
    {
      inherit (scope)
        builtins
        import
        scopedImport
        fetchTarball
        fetchGit
        ;
      inherit (scope.builtins) fetchMercurial fetchTree;
      __findFile = scope.builtins.findFile;
    };

  # The flake in a tree that is known: a store path, what else the tree is, and what makes a
  # flake of it.
  callFlake =
    {
      path,
      attributes,
      flake,
      ...
    }:
    load "" flakeFile (flake // {
      inherit nixVersion;
      source = attributes // {
        outPath = builtins.storePath path;
      };
    });

  # Those of these builtins that this Nix has.
  available = builtins.filter (name: builtins ? ${name});

  # What may go to the network.
  fetchers = [
    "fetchTarball"
    "fetchurl"
    "fetchGit"
    "fetchMercurial"
    "fetchTree"
    "getFlake"
  ];

  # Arguments of a fetcher, as far as JSON can say them.
  describe =
    let
      describe =
        value:
        if builtins.isAttrs value && !(value ? outPath) then
          builtins.mapAttrs (_: describe) value
        else if builtins.isList value then
          map describe value
        else if builtins.isString value || builtins.isPath value || builtins.isAttrs value then
          place value
        else if builtins.isInt value || builtins.isBool value then
          value
        else
          null;
    in
    describe;
}
