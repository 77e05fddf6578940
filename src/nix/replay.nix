# The replay: evaluates a file as Nix would, except that its fetchers return what a recorded
# evaluation got from them. Some of them would ask the network although the result is in the
# store, and others have no way to know that it is.
{
  entry, # what is evaluated: a function of `import`
  project, # the directory whose files are the project's, an absolute path as a string
  files, # files that may be imported and lead to a fetch, absolute paths
  sources, # what was fetched: fetcher, arguments, path, attributes, flake
  isPure, # whether the environment is out of reach, as it is for a flake
  nixVersion, # the Nix that recorded
}:
let
  inherit (builtins)
    listToAttrs
    stringLength
    substring
    toJSON
    trace
    ;

  scope = import ./scope.nix {
    inherit files nixVersion;
    isProject = file: substring 0 (stringLength project + 1) file == project + "/" || file == project;
    replace =
      file:
      fetchers
      // (if file == scope.flakeFile then { fetchTree = input; } else { })
      // (if isPure then { getEnv = _: ""; } else { });
  };

  key = fetcher: arguments: toJSON [
    fetcher
    arguments
  ];
  known = listToAttrs (
    map (source: {
      name = key source.fetcher source.arguments;
      value = source;
    }) sources
  );

  # As the fetcher returns it: the text of a path, a set with such a text, or a flake.
  result =
    source@{ attributes, flake, ... }:
    let
      outPath = builtins.storePath source.path;
    in
    if flake != null then
      scope.callFlake source
    else if attributes == null then
      outPath
    else
      attributes // { inherit outPath; };

  # What was not recorded is Nix's own business: it may be in the store, or it fails.
  fetch =
    fetcher: arguments:
    let
      call = key fetcher (scope.describe arguments);
    in
    if known ? ${call} then result known.${call} else builtins.${fetcher} arguments;

  # An input of a flake that was not recorded: somebody has edited its lock file since.
  input =
    arguments:
    let
      call = key "fetchTree" (scope.describe arguments);
      words = "the bundle does not hold the flake input that is locked as ${toJSON arguments}; restore flake.lock, or pack the flake again";
    in
    if known ? ${call} then
      result known.${call}
    else if builtins ? fetchTree then
      trace words (builtins.fetchTree arguments)
    else
      throw words;

  # A fetcher that was recorded is there even if this Nix has none of its name.
  recorded = map (source: source.fetcher) sources;
  fetchers = listToAttrs (
    map (name: {
      inherit name;
      value = fetch name;
    }) (scope.available scope.fetchers ++ recorded)
  );
in
{
  inherit (scope) arguments;
  result = entry scope.load;
}
