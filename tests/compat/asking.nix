# Asks which builtins there are, in every way, and for the version of Nix: each answer decides over
# something that would have to be built. A file in the store asks as well.
let
  pkgs = import (fetchTarball {
    url = "file:///root/fixtures/nixpkgs.tar.gz";
    sha256 = "HASH";
  }) { };
  all = builtins;
  named = name: if all ? ${name} then "yes" else "no";
  stored = import (builtins.toFile "stored.nix" ''
    if builtins ? fetchTree then "yes" else "no"
  '');
  answers = [
    (if builtins ? getFlake then "yes" else "no")
    (if builtins.getFlake or null == null then "no" else "yes")
    (if builtins.hasAttr "fetchTree" builtins then "yes" else "no")
    (toString (map named [ "flakeRefToString" "convertHash" "readFileType" "warn" "zipAttrsWith" "getFlake" ]))
    (toString (builtins.attrNames builtins))
    (if builtins.compareVersions builtins.nixVersion "2.19" >= 0 then "new" else "old")
    builtins.nixVersion
    stored
  ];
  say = pkgs.writeShellScriptBin "say" "echo '${builtins.concatStringsSep " " answers}'";
in
pkgs.mkShell {
  SAY = [ say ];
  MESSAGE = "Hello, world!";
}
