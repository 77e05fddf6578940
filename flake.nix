{
  description = "Carry a nix-shell to a machine with no network, in one file";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      forEachSystem = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system} system);
    in
    {
      packages = forEachSystem (
        pkgs: _: rec {
          shellpack = pkgs.callPackage ./nix/package.nix { };
          default = shellpack;
        }
      );

      apps = forEachSystem (
        _: system: {
          default = {
            type = "app";
            program = "${self.packages.${system}.default}/bin/shellpack";
          };
        }
      );

      overlays.default = final: _: { shellpack = final.callPackage ./nix/package.nix { }; };

      # For working on shellpack; `make test` needs more, and Debian or Ubuntu.
      devShells = forEachSystem (
        pkgs: system: {
          default = pkgs.mkShell {
            inputsFrom = [ self.packages.${system}.default ];
            packages = [
              pkgs.clippy
              pkgs.rustfmt
            ];
          };
        }
      );
    };
}
