{
  outputs = _: {
    inherit (import ./.) lib;
    legacyPackages.x86_64-linux = import ./.;
    legacyPackages.aarch64-linux = import ./.;
  };
}
