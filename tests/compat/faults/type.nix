derivation {
  name = "x";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  GREETING = name: "Hello, ${name}";
}
