# The value of a shell file, made so that nix-instantiate calls it as nix-shell does. With `--arg`,
# nix-instantiate passes `inNixShell` to any function with an ellipsis; nix-shell, from 2.10 on, only
# to one that has this argument.
shell:
let
  isStrict = builtins.compareVersions builtins.nixVersion "2.10" >= 0;
  names = builtins.functionArgs shell ? inNixShell;
  # Nothing else shows whether a function has an ellipsis.
  takesMore = builtins.length (builtins.split "ellipsis=\"1\"" (builtins.toXML shell)) > 1;
in
if isStrict && builtins.isFunction shell && !names && takesMore then
  { ... }@arguments: shell (removeAttrs arguments [ "inNixShell" ])
else
  shell
