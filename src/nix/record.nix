# The recorder: evaluates a file as Nix would and says on the way, one `trace` line each,
# what evaluation took from outside: fetched sources, `<…>` look-ups, files it read.
#
# It works by `scopedImport`: project files see wrapped builtins, everything else (nixpkgs,
# fetched sources) is imported as always, so its evaluation stays cached and fast. The value
# of `result` is exactly the file's own, a function too, so that Nix calls it as it would.
{
  token, # what a line of ours starts with
  entry, # the file, an absolute path as a string
  files, # project files that an evaluation without recorder imported, absolute paths
  foreign, # directories whose files are not the project's, though they are outside the store
}:
let
  inherit (builtins)
    any
    hasAttr
    isAttrs
    isBool
    isInt
    isList
    isPath
    isString
    listToAttrs
    mapAttrs
    stringLength
    substring
    toJSON
    trace
    unsafeDiscardStringContext
    ;

  report = event: value: trace (token + toJSON event) value;

  isBelow = dir: file: substring 0 (stringLength dir + 1) file == dir + "/";
  isProject = file: !(any (dir: dir == file || isBelow dir file) ([ builtins.storeDir ] ++ foreign));
  # Of a path, a string, or a set with `outPath`: where it is, without copying it anywhere.
  place = value: unsafeDiscardStringContext (toString value);

  # `scopedImport` does not remember what it imported. One thunk for each known file does,
  # or a diamond of imports would be evaluated once for every way through it.
  known = listToAttrs (
    map (file: {
      name = file;
      value = builtins.scopedImport (scopeOf file) (/. + file);
    }) files
  );

  load =
    path:
    let
      file = place path;
      default = file + "/default.nix";
      value =
        if hasAttr file known then
          known.${file}
        else if hasAttr default known then
          known.${default}
        else
          builtins.scopedImport (scopeOf file) path;
    in
    # Nix's log names files by where symlinks lead; the links must be carried, too.
    if isProject file then
      report {
        event = "read";
        reader = "import";
        path = file;
      } value
    else
      import path;

  # Arguments of a fetcher, as far as JSON can say them.
  describe =
    value:
    if isAttrs value && !(value ? outPath) then
      mapAttrs (_: describe) value
    else if isString value || isPath value || isAttrs value then
      place value
    else if isInt value || isBool value || isList value then
      value
    else
      null;

  scopeOf =
    from:
    let
      fetch = fetcher: {
        name = fetcher;
        value =
          arguments:
          let
            value = builtins.${fetcher} arguments;
          in
          report {
            event = "fetch";
            inherit fetcher from;
            arguments = describe arguments;
            path = place value;
            rev = if isAttrs value then value.rev or null else null;
          } value;
      };
      read = reader: {
        name = reader;
        value =
          path:
          let
            file = place path;
            value = builtins.${reader} path;
          in
          if isProject file then
            report {
              event = "read";
              inherit reader from;
              path = file;
            } value
          else
            value;
      };
      only = names: builtins.filter (name: hasAttr name builtins) names;

      fetchers = listToAttrs (
        map fetch (only [
          "fetchTarball"
          "fetchurl"
          "fetchGit"
          "fetchMercurial"
          "fetchTree"
          "getFlake"
        ])
      );
      readers = listToAttrs (
        map read (only [
          "pathExists"
          "readDir"
          "readFile"
          "readFileType"
        ])
      );
      wrapped =
        fetchers
        // readers
        // {
          import = load;
          scopedImport = scope: path: builtins.scopedImport (scopeOf (place path) // scope) path;
          hashFile =
            algorithm: path:
            let
              value = builtins.hashFile algorithm path;
            in
            if isProject (place path) then
              report {
                event = "read";
                reader = "hashFile";
                inherit from;
                path = place path;
              } value
            else
              value;
          path =
            arguments:
            let
              value = builtins.path arguments;
            in
            report {
              event = "copy";
              inherit from;
              path = place arguments.path;
              result = place value;
            } value;
          filterSource =
            filter: path:
            let
              value = builtins.filterSource filter path;
            in
            report {
              event = "copy";
              inherit from;
              path = place path;
              result = place value;
            } value;
          findFile =
            searchPath: name:
            let
              found = builtins.findFile searchPath name;
            in
            report {
              event = "lookup";
              inherit name from;
              path = place found;
            } found;
        };
      # What Nix offers without `builtins.` and without underscores.
      bare = [
        "import"
        "scopedImport"
        "fetchTarball"
        "fetchGit"
        "fetchMercurial"
        "fetchTree"
      ];
      named = name: {
        name = if builtins.elem name bare then name else "__" + name;
        value = wrapped.${name};
      };
    in
    listToAttrs (map named (builtins.attrNames wrapped)) // { builtins = builtins // wrapped; };
in
{
  result = load (/. + entry);
}
