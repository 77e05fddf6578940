# The attributes that `-A` can select in the value of a shell file, beyond a path that the user gave.
# Functions on the way are called as Nix calls them.
{
  value, # the value of the file
  path, # the user's attribute path: a list of names
  arguments, # what functions are called with
}:
let
  inherit (builtins)
    attrNames
    concatMap
    elemAt
    fromJSON
    functionArgs
    genList
    head
    intersectAttrs
    isAttrs
    isFunction
    isList
    length
    match
    split
    tail
    toXML
    tryEval
    ;

  shows = mark: function: length (split mark (toXML function)) > 1;
  call =
    value:
    if isAttrs value && value ? __functor then
      call (value.__functor value)
    else if isFunction value && shows "<attrspat" value then
      value (if shows "ellipsis=\"1\"" value then arguments else intersectAttrs (functionArgs value) arguments)
    else
      value;

  # An index of a list is a name, too.
  children =
    value:
    if isAttrs value then
      map (name: { inherit name; value = value.${name}; }) (
        attrNames (removeAttrs value [ "recurseForDerivations" ])
      )
    else if isList value then
      genList (at: { name = toString at; value = elemAt value at; }) (length value)
    else
      [ ];
  child =
    value: name:
    if isAttrs value then
      value ? ${name}
    else
      isList value && match "[0-9]+" name != null && fromJSON name < length value;
  get = value: name: if isAttrs value then value.${name} else elemAt value (fromJSON name);

  isSet = value: (tryEval (isAttrs value)) == { success = true; value = true; };
  isDerivation = value: isSet value && value.type or null == "derivation";
  isName = name: match "[A-Za-z_][A-Za-z0-9_+-]*" name != null;
  # By the rules of nix-build for a set or a list.
  shells =
    value: before:
    concatMap (
      one:
      let
        at = before ++ [ one.name ];
      in
      if isAttrs value && !isName one.name then
        [ ]
      else if isDerivation one.value then
        [ at ]
      else if isAttrs value && isSet one.value && one.value.recurseForDerivations or false == true then
        shells one.value at
      else
        [ ]
    ) (children value);

  walk =
    value: before: path:
    let
      called = call value;
      found = shells called before;
    in
    if path != [ ] && child called (head path) then
      walk (get called (head path)) (before ++ [ (head path) ]) (tail path)
    else
      {
        isList = isList called;
        names =
          if path == [ ] && found != [ ] then
            found
          else if isDerivation called then
            [ before ]
          else
            map (one: before ++ [ one.name ]) (children called);
      };
in
walk value [ ] path
