# A project as the source of a flake: the store path that Nix makes of it.
{
  project, # its directory, an absolute path as a string
  files ? null, # the flake's files, relative to the directory; null for all
}:
let
  inherit (builtins) listToAttrs stringLength substring;

  listed = listToAttrs (
    map (name: {
      inherit name;
      value = null;
    }) files
  );
  relative = path: substring (stringLength project + 1) (stringLength path) path;
  isPart =
    path:
    if files == null then
      # The files of version control itself are not part of the source.
      relative path != ".git"
    else
      listed ? ${relative path};
in
builtins.path {
  path = /. + project;
  name = "source";
  filter = path: _: isPart (toString path);
}
