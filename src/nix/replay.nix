# The replay: evaluates a file as Nix does, but with the recorded results of its fetchers. Some of
# them would use the network although the result is in the store, and others cannot know that it is.
{
  start, # the value to evaluate: a function of `import`
  project, # the directory whose files are the project's, an absolute path as a string
  files, # files that may be imported and lead to a fetch, absolute paths
  sources, # the recorded fetches: fetcher, arguments, path, attributes, flake
  isPure, # whether evaluation cannot read the environment, as for a flake
  nixVersion, # the version of the Nix that recorded
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

  # The fetcher's result: the text of a path, a set with such a text, or a flake.
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

  # Other fetches are left to Nix: the result is in the store, or they fail.
  fetch =
    fetcher: arguments:
    let
      call = key fetcher (scope.describe arguments);
    in
    if known ? ${call} then result known.${call} else builtins.${fetcher} arguments;

  # This input of a flake was not recorded: its lock file has been edited since.
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

  # A recorded fetcher exists even if this Nix lacks it.
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
  result = start scope.load;
}
