# The replay: evaluates a file as Nix does, but with recorded answers. Some fetchers would use the
# network although the result is in the store, and others cannot know that it is; the time, the
# machine's files and the version of Nix differ.
{
  start, # the value to evaluate: a function of `import`
  project, # the directory whose files are the project's, an absolute path as a string
  files, # files that may be imported and lead to a fetch, absolute paths
  sources, # the recorded fetches: fetcher, digest of the arguments, path, attributes, flake
  isPure, # whether evaluation cannot read the environment, as for a flake
  nixVersion, # the version of the Nix that recorded
  # Other answers. Places are absolute paths, but for those of probes, as they are in the manifest;
  # kinds are those of `readDir`.
  #   time      the time, or null
  #   builtins  the names of all builtins, or null
  #   seen      kinds of files of the project that need not be there, by place
  #   listed    the same by directory and name
  #   probes    places on the machine: path, type unless nothing is there, perhaps entries
  #   unseen    places that are not there, although they are: a set of them
  answers,
}:
let
  inherit (builtins)
    attrNames
    elem
    hashString
    listToAttrs
    stringLength
    substring
    toJSON
    trace
    ;

  scope = import ./scope.nix {
    inherit
      files
      hidden
      lacking
      nixVersion
      ;
    isProject = file: substring 0 (stringLength project + 1) file == project + "/" || file == project;
    replace =
      file:
      fetchers
      // (if answersFiles then readers else { })
      // (if answers.time == null then { } else { currentTime = answers.time; })
      // (if answers.builtins == null || scope.isPackageSet file then { } else { inherit nixVersion; })
      // (if file == scope.flakeFile then { fetchTree = input; } else { })
      // (if isPure then { getEnv = _: ""; } else { });
  };

  key = fetcher: digest: fetcher + " " + digest;
  keyOf = fetcher: arguments: key fetcher (hashString "sha256" (toJSON (portable (scope.describe arguments))));

  # The project's directory differs on every machine.
  portable =
    value:
    if builtins.isAttrs value then
      builtins.mapAttrs (_: portable) value
    else if builtins.isList value then
      map portable value
    else if builtins.isString value then
      portableText value
    else
      value;

  # It is replaced at the beginning of a text or behind a scheme, if whole components match.
  portableText =
    text:
    let
      first = builtins.head (builtins.split "://" text);
      scheme = if first == text then "" else first + "://";
      path = substring (stringLength scheme) (stringLength text) text;
      rest = substring (stringLength project) (stringLength path) path;
    in
    if
      substring 0 (stringLength project) path == project
      && elem (substring 0 1 rest) [
        ""
        "/"
        "?"
        "#"
      ]
    then
      scheme + "@project@" + rest
    else
      text;

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
      call = keyOf fetcher arguments;
    in
    if known ? ${call} then
      result known.${call}
    else
      builtins.${fetcher} or lacking.${fetcher} arguments;

  # This input of a flake was not recorded: its lock file has been edited since.
  input =
    arguments:
    let
      call = keyOf "fetchTree" arguments;
      words = "the bundle does not hold the flake input that is locked as ${toJSON arguments}; restore flake.lock, or pack the flake again";
    in
    if known ? ${call} then
      result known.${call}
    else if builtins ? fetchTree then
      trace words (builtins.fetchTree arguments)
    else
      throw words;

  # Exactly the builtins that were there exist, whichever this Nix has.
  hidden =
    if isPure then
      [
        "currentSystem"
        "currentTime"
      ]
    else if answers.builtins == null then
      [ ]
    else
      builtins.filter (name: !(elem name answers.builtins)) (attrNames builtins);
  lacking = listToAttrs (
    map (name: {
      inherit name;
      value = throw "the shell uses builtins.${name}, which Nix ${nixVersion} had where it was packed, and Nix ${builtins.nixVersion} here has not";
    }) (if answers.builtins == null then [ ] else answers.builtins)
  );

  # The home directory is that of this evaluation, whatever variables it has.
  placeOf =
    recorded:
    let
      below = start: substring (stringLength start) (stringLength recorded) recorded;
      startsWith = start: substring 0 (stringLength start) recorded == start;
      path =
        if startsWith "@home@" then
          builtins.getEnv "HOME" + below "@home@"
        else if startsWith "@project@" then
          project + below "@project@"
        else
          recorded;
    in
    scope.canonical path;
  probes = listToAttrs (
    map (probe: {
      name = placeOf probe.path;
      value = probe;
    }) answers.probes
  );

  # Files that were seen are there, besides those that are. So an edited project has its new files.
  answersFiles = answers.seen // probes != { } || answers.unseen != { };
  isUnseen = file: answers.unseen ? ${file};
  readers = {
    pathExists =
      path:
      let
        file = scope.canonical path;
      in
      if probes ? ${file} then
        probes.${file} ? type
      else if isUnseen file then
        false
      else
        builtins.pathExists path || answers.seen ? ${file};
    readDir =
      path:
      let
        dir = scope.canonical path;
        probe = probes.${dir} or { };
        isThere = if answers.listed ? ${dir} then builtins.pathExists path else true;
        there = if isThere then builtins.readDir path else { };
        isShown = name: !(isUnseen (dir + "/" + name));
      in
      if probe ? entries then
        probe.entries
      else
        answers.listed.${dir} or { } // keep isShown there;
    readFileType =
      path:
      let
        file = scope.canonical path;
        probe = probes.${file} or { };
      in
      if probe ? type then
        probe.type
      else if isUnseen file then
        throw "there is no ${file}"
      else if answers.seen ? ${file} && !(builtins.pathExists path) then
        answers.seen.${file}
      else if builtins ? readFileType then
        builtins.readFileType path
      else
        (builtins.readDir (dirOf path)).${baseNameOf path};
  };
  keep =
    isKept: set:
    if answers.unseen == { } then
      set
    else
      removeAttrs set (builtins.filter (name: !(isKept name)) (attrNames set));

  # A recorded fetcher exists even if this Nix lacks it.
  recorded =
    map (source: source.fetcher) sources
    ++ builtins.filter (name: elem name scope.fetchers) (attrNames lacking);
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
