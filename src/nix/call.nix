# A shell file's value, for nix-instantiate to call as nix-shell would. With `--arg`, the former
# passes `inNixShell` to whatever function takes more than it names; the latter, from 2.10 on, only
# to one that names it.
shell:
let
  isStrict = builtins.compareVersions builtins.nixVersion "2.10" >= 0;
  names = builtins.functionArgs shell ? inNixShell;
  # Nothing else says whether a function has an ellipsis.
  takesMore = builtins.length (builtins.split "ellipsis=\"1\"" (builtins.toXML shell)) > 1;
in
if isStrict && builtins.isFunction shell && !names && takesMore then
  { ... }@arguments: shell (removeAttrs arguments [ "inNixShell" ])
else
  shell
