# A flake that is not locked: create locks it in the bundle.
{
  inputs.nixpkgs.url = "git+file:///root/nixpkgs";

  outputs =
    { self, nixpkgs }:
    let
      pkgs = nixpkgs.legacyPackages.x86_64-linux;
    in
    {
      devShells.x86_64-linux.default = pkgs.mkShell {
        packages = [ pkgs.hello ];
        SOURCE = self;
        REV = self.rev;
        shellHook = ''export MESSAGE="$(hello)"'';
      };
    };
}
