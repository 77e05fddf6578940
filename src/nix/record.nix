# The recorder: evaluates a file as Nix does, and reports everything from outside that evaluation
# uses, with one `trace` line each: fetched sources, `<…>` look-ups, files that it reads.
{
  token, # the start of our lines
  start, # the value to evaluate: a function of `import`
  files, # the files that an evaluation without the recorder imported, absolute paths
  foreign, # directories whose files are not the project's, though they are outside the store
  configuration, # places of the user's nixpkgs configuration
  flakes, # the known results of `getFlake`: reference, path, attributes, flake
  isPure, # whether evaluation cannot read the environment, as for a flake
  time, # the time of the evaluation
  names, # the builtins that the shell sees; null for all that this Nix has now
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
  isIn = dirs: file: any (dir: dir == file || isBelow dir file) dirs;
  isProject = file: !(isIn ([ builtins.storeDir ] ++ foreign) file);

  # nixpkgs looks for the user's configuration in this file of its own. What it finds is frozen.
  asksForNixpkgs =
    from:
    let
      own = "/pkgs/top-level/impure.nix";
      length = stringLength from - stringLength own;
    in
    length >= 0 && substring length (stringLength own) from == own;
  isReported = from: file: isProject file || isIn configuration file && !(asksForNixpkgs from);

  scope = import ./scope.nix {
    inherit
      files
      hidden
      isProject
      replace
      ;
    # Nix's log has the targets of symlinks; the links must be carried as well.
    imported =
      from: path: file: value:
      report {
        event = "import";
        inherit from;
        path = file;
      } (realised path value);
  };
  inherit (scope)
    available
    canonical
    describe
    isPackageSet
    place
    ;

  # A feature that was turned on for this evaluation brings builtins that the shell must not see. A
  # flake sees neither time nor machine.
  hidden =
    if isPure then
      [
        "currentSystem"
        "currentTime"
      ]
    else if names == null then
      [ ]
    else
      builtins.filter (name: !(builtins.elem name names)) (builtins.attrNames builtins);

  # The path may be an output that was built for this (import from derivation).
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

  # Nix would evaluate a flake's files by itself, and their fetches would not be seen.
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

  # The attributes of a fetched tree besides its path: revision, date.
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
          isInput = fetcher == "fetchTree" && from == scope.flakeFile;
          value =
            if flake != null then
              scope.callFlake flake
            else if isInput then
              import ./held.nix arguments
            else
              builtins.${fetcher} arguments;
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
          file = canonical path;
          value = realised path (builtins.${reader} path);
        in
        if isReported from file then
          report {
            event = "read";
            inherit reader from;
            path = file;
            result = if reader == "readFile" then null else value;
          } value
        else
          value;
      version = {
        nixVersion = report {
          event = "version";
          inherit from;
        } builtins.nixVersion;
      };
    in
    each fetch (available scope.fetchers)
    // each read (available [
      "pathExists"
      "readDir"
      "readFile"
      "readFileType"
    ])
    // (if isPackageSet from then { } else version)
    // {
      currentTime = report {
        event = "time";
        inherit from;
      } time;
      hashFile =
        algorithm: path:
        let
          value = builtins.hashFile algorithm path;
        in
        if isReported from (place path) then
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
      nixPath = report {
        event = "environment";
        name = "NIX_PATH";
        inherit from;
      } builtins.nixPath;
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
        # If nothing is found, there is no second report.
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
            inherit name from;
          } (builtins.getEnv name);
    };
in
{
  inherit (scope) arguments;
  result = report {
    event = "builtins";
    names = builtins.attrNames (removeAttrs builtins hidden);
  } (start scope.load);
}
