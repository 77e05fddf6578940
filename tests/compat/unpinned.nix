# Pins nothing of what it fetches, and reads what evaluation has to build first.
let
  pkgs = import (fetchTarball "file:///root/fixtures/nixpkgs.tar.gz") { };
  inherit (builtins) fetchGit;
  greeting = fetchGit {
    url = "file:///root/greeting";
    ref = "master";
  };
  whom = pkgs.runCommand "whom.nix" { } "echo '\"world\"' > $out";
in
pkgs.mkShell {
  MESSAGE = "${import greeting}, ${import whom}!";
  REV = greeting.rev;
}
