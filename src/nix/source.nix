# A project as the source of a flake: the store path that Nix would make of it.
{
  project, # its directory, an absolute path as a string
  files ? null, # what of it is the flake's, relative to the directory; null for all of it
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
      # Version control's own is no part of what it controls.
      relative path != ".git"
    else
      listed ? ${relative path};
in
builtins.path {
  path = /. + project;
  name = "source";
  filter = path: _: isPart (toString path);
}
