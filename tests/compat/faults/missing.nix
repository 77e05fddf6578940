let
  set = { greeting = 1; };
in
set.greting
