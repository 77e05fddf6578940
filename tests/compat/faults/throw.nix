let
  greet = name: throw "not on a Monday, ${name}";
in
derivation {
  name = "x";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  GREETING = greet "Ada";
}
