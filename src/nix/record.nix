# The recorder: evaluates a file as Nix would and says on the way, one `trace` line each,
# what evaluation took from outside: fetched sources, `<…>` look-ups, files it read.
{
  token, # what a line of ours starts with
  entry, # what is evaluated: a function of `import`
  files, # what an evaluation without recorder imported, absolute paths
  foreign, # directories whose files are not the project's, though they are outside the store
  flakes, # what `getFlake` returns, as far as it is known: reference, path, attributes, flake
  isPure, # whether the environment is out of reach, as it is for a flake
}:
let
  inherit (builtins)
    any
    concatMap
    isAttrs
    isBool
    isInt
    isString
    listToAttrs
    stringLength
    substring
    toJSON
    trace
    ;

  report = event: value: trace (token + toJSON event) value;

  isBelow = dir: file: substring 0 (stringLength dir + 1) file == dir + "/";
  isProject = file: !(any (dir: dir == file || isBelow dir file) ([ builtins.storeDir ] ++ foreign));

  scope = import ./scope.nix {
    inherit files replace isProject;
    # Nix's log names files by where symlinks lead; the links must be carried, too.
    imported =
      from: path: file: value:
      report {
        event = "import";
        inherit from;
        path = file;
      } (realised path value);
  };
  inherit (scope) available describe place;

  # What is read may be an output that was built for it (import from derivation).
  realised =
    path: value:
    let
      context = if builtins.isPath path then { } else builtins.getContext (toString path);
      report' =
        name: value:
        report {
          event = "realise";
          path = name;
          outputs = context.${name}.outputs or [ ];
        } value;
    in
    builtins.foldl' (value: name: report' name value) value (builtins.attrNames context);

  # Nix would evaluate a flake's files by itself, where nobody sees what they fetch.
  knownFlakes = listToAttrs (
    map (flake: {
      name = flake.reference;
      value = flake;
    }) flakes
  );
  flakeOf =
    fetcher: arguments:
    let
      reference = describe arguments;
    in
    if fetcher == "getFlake" && isString reference then knownFlakes.${reference} or null else null;

  # What else than its path a fetched tree is: revision, date.
  attributesOf =
    fetcher: value:
    if fetcher == "getFlake" || !isAttrs value then
      null
    else
      listToAttrs (
        concatMap (
          name:
          let
            attribute = value.${name};
          in
          if name == "outPath" || !(isString attribute || isInt attribute || isBool attribute) then
            [ ]
          else
            [
              {
                inherit name;
                value = describe attribute;
              }
            ]
        ) (builtins.attrNames value)
      );

  replace =
    from:
    let
      each = make: names: listToAttrs (map (name: { inherit name; value = make name; }) names);
      fetch =
        fetcher: arguments:
        let
          flake = flakeOf fetcher arguments;
          value = if flake == null then builtins.${fetcher} arguments else scope.callFlake flake;
        in
        report {
          event = "fetch";
          inherit fetcher from;
          arguments = describe arguments;
          path = if flake == null then place value else flake.path;
          attributes = if flake == null then attributesOf fetcher value else flake.attributes;
          flake = flake.flake or null;
        } value;
      read =
        reader: path:
        let
          file = place path;
          value = realised path (builtins.${reader} path);
        in
        if isProject file then
          report {
            event = "read";
            inherit reader from;
            path = file;
          } value
        else
          value;
    in
    each fetch (available scope.fetchers)
    // each read (available [
      "pathExists"
      "readDir"
      "readFile"
      "readFileType"
    ])
    // {
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
          value = realised arguments.path (builtins.path arguments);
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
          value = realised path (builtins.filterSource filter path);
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
          lookup =
            report {
              event = "lookup";
              inherit name from;
              path = place found;
            } found;
        in
        # Where nothing is found, the second report does not come about.
        report {
          event = "search";
          inherit name;
        } lookup;
      getEnv =
        name:
        if isPure then
          ""
        else
          report {
            event = "environment";
            inherit name;
          } (builtins.getEnv name);
    };
in
{
  inherit (scope) arguments;
  result = entry scope.load;
}
