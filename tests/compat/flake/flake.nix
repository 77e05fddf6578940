# A flake that is not locked: create locks it in the bundle. Its server offers no clone without
# history, and one of its inputs is a part of itself.
{
  inputs.nixpkgs.url = "git+http://127.0.0.1:8321/nixpkgs.git";
  inputs.part.url = "path:./part";

  outputs =
    {
      self,
      nixpkgs,
      part,
    }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.hello ];
        SOURCE = self;
        REV = self.rev or "dirty";
        PART = part;
        PARTS_SOURCE = part.sourceInfo;
        TEXT = part.text;
        shellHook = ''export MESSAGE="$(hello)"'';
      };
    };
}
