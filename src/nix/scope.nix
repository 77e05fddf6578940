# Evaluates files as Nix does, but gives some of them other builtins.
#
# It uses `scopedImport`: scoped files see the other builtins under every name that Nix has for
# them. All other files are imported normally, so their evaluation stays cached and fast. The value
# of a file is exactly its own, even a function, so that Nix calls it as usual.
{
  isProject, # whether a file is always scoped: a function of its absolute path
  files, # scoped files that are known to be imported, absolute paths
  replace, # the replaced builtins of a file: a function of its absolute path
  # The result of an import: a function of the importing file, of the path that it names, of the
  # file there, and of its value.
  imported ? (
    _: _: _: value:
    value
  ),
  nixVersion ? builtins.nixVersion, # the version of Nix whose rules for flakes apply
  hidden ? [ ], # builtins that the files do not see
  lacking ? { }, # builtins that they see although this Nix has none of that name
}:
let
  inherit (builtins)
    attrNames
    elem
    listToAttrs
    pathExists
    scopedImport
    split
    stringLength
    substring
    toString
    unsafeDiscardStringContext
    ;

  # The place of a path, a string, or a set with `outPath`, without copying it to the store.
  place = value: unsafeDiscardStringContext (toString value);

  # The same with each path in one form: `./x/.` is `./x`.
  canonical =
    value:
    let
      text = place value;
    in
    if substring 0 1 text == "/" then toString (/. + text) else text;

  # Whether a file is one of nixpkgs, which knows by itself what to do with each version of Nix.
  isPackageSet =
    file:
    let
      start = builtins.storeDir + "/";
      below = substring (stringLength start) (stringLength file) file;
      lib = start + builtins.head (split "/" below) + "/lib/";
    in
    substring 0 (stringLength start) file == start
    && (pathExists (lib + "minver.nix") || pathExists (lib + "minfeatures.nix"));

  # `scopedImport` does not cache values. One thunk for each known file does; otherwise a diamond of
  # imports would be evaluated once for every path through it.
  known = listToAttrs (
    map (file: {
      name = file;
      value = scopedImport (scopeOf file) (/. + file);
    }) (files ++ [ flakeFile ])
  );

  # A flake's fetches, and its own files, are seen like all others.
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

  # The names that Nix offers without `builtins.` and without underscores.
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
      isPlain = isPackageSet file;
      hides = set: if isPlain then set else removeAttrs set hidden;
      replaced = hides (replace file // {
        import = load file;
        scopedImport = scope: path: scopedImport (scopeOf (place path) // scope) path;
      });
      own = if isPlain then builtins else hides (lacking // builtins);
      # Nix itself takes `__nixPath` for every `<…>`.
      isOffered = name: name != "nixPath";
      named = name: {
        name = if elem name bare then name else "__" + name;
        value = replaced.${name};
      };
    in
    listToAttrs (map named (builtins.filter isOffered (attrNames replaced)))
    // {
      builtins = own // replaced;
    };
in
{
  inherit
    canonical
    flakeFile
    isPackageSet
    place
    ;
  load = load "";

  # The builtins for the expressions of arguments, which are in no file.
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

  # The flake in a known tree: its store path, its other attributes, and the parts of the flake.
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

  # The ones of these builtins that this Nix has.
  available = builtins.filter (name: builtins ? ${name});

  # The builtins that may use the network.
  fetchers = [
    "fetchTarball"
    "fetchurl"
    "fetchGit"
    "fetchMercurial"
    "fetchTree"
    "getFlake"
  ];

  # The arguments of a fetcher, as far as JSON can express them.
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
