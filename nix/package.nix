# shellpack, as nixpkgs builds programs in Rust. It needs Rust 1.88, which is in NixOS 25.11.
{
  lib,
  stdenv,
  rustPlatform,
  installShellFiles,
}:

let
  root = toString ../.;
  # What the build reads. Above all not `target`, with what cargo built in a checkout.
  parts = [
    "Cargo.lock"
    "Cargo.toml"
    "crates"
    "src"
  ];
  isPart =
    path: _:
    let
      below = builtins.substring (builtins.stringLength root + 1) (-1) path;
    in
    builtins.elem (builtins.head (builtins.split "/" below)) parts;
in
rustPlatform.buildRustPackage {
  pname = "shellpack";
  version = (builtins.fromTOML (builtins.readFile ../Cargo.toml)).workspace.package.version;

  src = builtins.path {
    path = ../.;
    name = "shellpack-source";
    filter = isPart;
  };
  cargoLock.lockFile = ../Cargo.lock;

  nativeBuildInputs = [ installShellFiles ];

  # The tests make machines with stores of their own: they need root, and Nix.
  doCheck = false;

  postInstall = lib.optionalString (stdenv.buildPlatform.canExecute stdenv.hostPlatform) ''
    for shell in bash zsh fish; do
      $out/bin/shellpack completions $shell > completions.$shell
    done
    installShellCompletion --cmd shellpack \
      --bash completions.bash --zsh completions.zsh --fish completions.fish
    $out/bin/shellpack man --dir man
    installManPage man/*
  '';

  meta = {
    description = "Carry a nix-shell to a machine with no network, in one file";
    license = [
      lib.licenses.mit
      lib.licenses.asl20
    ];
    mainProgram = "shellpack";
    platforms = lib.platforms.linux;
  };
}
