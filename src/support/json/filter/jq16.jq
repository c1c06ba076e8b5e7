# jq 1.6's own library, with the slow definitions replaced by native filters (whose names
# start with an underscore) and with jaq-std's names where those behave alike.
def empty: {}[] as $x | .;
def true: 0 == 0;
def false: 0 != 0;
def null: [][0];
def not: if . then false else true end;
def error(msg): _error(msg);
def error: _error(.);
def halt_error($code): if type == "string" then error else tojson | error end;
def halt_error: halt_error(5);
def tostring: "\(.)";
def map(f): [.[] | f];
def select(f): if f then . else empty end;
def sort_by(f): _sort_by(map([f]));
def group_by(f): _group_by(map([f]));
def unique: group_by(.) | map(.[0]);
def unique_by(f): group_by(f) | map(.[0]);
def max_by(f): _max_by(map([f]));
def min_by(f): _min_by(map([f]));
def max: max_by(.);
def min: min_by(.);
def add: reduce .[] as $x (null; . + $x);
def getpath($path): if $path|type == "array" then reduce $path[] as $p (.; .[$p])
  else error("Path must be specified as an array") end;
def del(f): delpaths([path(f)]);
def map_values(f): .[] |= f;
def recurse(f): def r: ., (f | r); r;
def recurse(f; cond): def r: ., (f | select(cond) | r); r;
def recurse: recurse(.[]?);
def recurse_down: recurse;
def to_entries: [keys_unsorted[] as $k | {key: $k, value: .[$k]}];
def from_entries: map({(.key // .Key // .name // .Name): (if has("value") then .value else .Value end)}) | add | if . then . else {} end;
def with_entries(f): to_entries | map(f) | from_entries;
def range($from; $upto): if ($from|type) == "number" and ($upto|type) == "number" then _range($from; $upto; 1)
  else error("Range bounds must be numeric") end;
def range($x): range(0;$x);
def range($init; $upto; $by): if $by == 0 then empty else _range($init; $upto; $by) end;
def reverse: [.[length - 1 - range(0;length)]];
def indices($i): if type == "array" and ($i|type) == "array" then .[$i]
  elif type == "array" then .[[$i]]
  elif type == "string" and ($i|type) == "string" then _strindices($i)
  else .[$i] end;
def index($i):   indices($i) | .[0];
def rindex($i):  indices($i) | .[-1:][0];
def paths: path(recurse(if (type|. == "array" or . == "object") then .[] else empty end))|select(length > 0);
def paths(node_filter): . as $dot|paths|select(. as $p|$dot|getpath($p)|node_filter);
def isempty(g): 0 == ((label $go | g | (1, break $go)) // 0);
def first(g): label $out | g | ., break $out;
def last(g): reduce g as $item (null; $item);
def any(generator; condition): isempty(first(generator | if condition then true else empty end)) | not;
def any(condition): any(.[]; condition);
def any: any(.);
def all(generator; condition): isempty(first(generator | if condition then empty else true end));
def all(condition): all(.[]; condition);
def all: all(.);
def isfinite: type == "number" and (isinfinite | not);
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type|. == "array" or . == "object");
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def normals: select(isnormal);
def finites: select(isfinite);
def strings: select(type == "string");
def nulls: select(. == null);
def values: select(. != null);
def scalars: select(type|. != "array" and . != "object");
def scalars_or_empty: select(. == null or . == true or . == false or type == "number" or type == "string" or ((type=="array" or type=="object") and length==0));
def leaf_paths: paths(scalars);
def join($x): reduce .[] as $i (null;
            (if .==null then "" else .+$x end) +
            ($i | if type=="boolean" or type=="number" then tostring else .//"" end)
        ) // "";
def _flatten($x): reduce .[] as $i ([]; if $i | type == "array" and $x != 0 then . + ($i | _flatten($x-1)) else . + [$i] end);
def flatten($x): if $x < 0 then error("flatten depth must not be negative") else _flatten($x) end;
def flatten: _flatten(-1);
def strftime($f): if type == "number" then gmtime elif type == "array" then . else error("strftime/1 requires parsed datetime inputs") end
  | if ($f|type) == "string" then _strftime($f|_c_format) else error("strftime/1 requires a string format") end;
def strflocaltime($f): if type == "number" then localtime elif type == "array" then . else error("strflocaltime/1 requires parsed datetime inputs") end
  | if ($f|type) == "string" then _strflocaltime($f|_c_format) else error("strflocaltime/1 requires a string format") end;
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%SZ")|mktime;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdate: fromdateiso8601;
def todate: todateiso8601;
def match($re; $mode): _match($re; $mode; false)|.[];
def match($val): ($val|type) as $vt | if $vt == "string" then match($val; null)
   elif $vt == "array" and ($val | length) > 1 then match($val[0]; $val[1])
   elif $vt == "array" and ($val | length) > 0 then match($val[0]; null)
   else error( $vt + " not a string or array") end;
def test($re; $mode): _match($re; $mode; true);
def test($val): ($val|type) as $vt | if $vt == "string" then test($val; null)
   elif $vt == "array" and ($val | length) > 1 then test($val[0]; $val[1])
   elif $vt == "array" and ($val | length) > 0 then test($val[0]; null)
   else error( $vt + " not a string or array") end;
def _captured: reduce (.captures[] | select(.name != null) | { (.name) : .string }) as $pair ({}; . + $pair);
def capture(re; mods): match(re; mods) | _captured;
def capture($val): match($val) | _captured;
def scan(re): match(re; "g") | if (.captures|length) > 0 then [ .captures | .[] | .string ] else .string end;
def _nwise(a; $n): if a|length <= $n then a else a[0:$n] , _nwise(a[$n:]; $n) end;
def _nwise($n): _nwise(.; $n);
def splits($re; flags): . as $s
  | [ match($re; "g" + flags) | (.offset, .offset + .length) ]
  | [0] + . +[$s|length]
  | _nwise(2)
  | $s[.[0]:.[1] ] ;
def splits($re): splits($re; null);
def split($re; flags): [ splits($re; flags) ];
def sub($re; s; $flags): . as $in
  | [match($re; $flags)] as $edits
  | reduce $edits[] as $edit ([0, ""]; . as [$at, $text]
      | ($edit | _captured | s) as $new
      | [$edit.offset + $edit.length, $text + $in[$at:$edit.offset] + $new])
  | .[1] + $in[.[0]:];
def sub($re; s): sub($re; s; "");
def gsub($re; s; $flags): sub($re; s; $flags + "g");
def gsub($re; s): sub($re; s; "g");
def while(cond; update): def _while: if cond then ., (update | _while) else empty end; _while;
def until(cond; next): def _until: if cond then . else (next|_until) end; _until;
def limit($n; exp):
  if $n < 0 then exp
  else label $out | foreach exp as $item ($n; .-1; $item, if . <= 0 then break $out else empty end)
  end;
def nth($n; g): if $n < 0 then error("nth doesn't support negative indices") else last(limit($n + 1; g)) end;
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def combinations:
    if length == 0 then [] else
        .[0][] as $x
          | (.[1:] | combinations) as $y
          | [$x] + $y
    end;
def combinations(n): . as $dot | [range(n) | $dot] | combinations;
def transpose:
  if . == [] then []
  else . as $in
  | (map(length) | max) as $max
  | [range(0; $max) as $j | [$in[][$j]]]
  end;
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def repeat(exp): def _repeat: exp, _repeat; _repeat;
def truncate_stream(stream):
  . as $n | null | stream | . as $input | if (.[0]|length) > $n then setpath([0];$input[0][$n:]) else empty end;
def fromstream(i):
  foreach i as $item (
    [null,false,null,false];
    if ($item[0]|length) == 0 then [null,false,.[2],.[3]]
    elif ($item|length) == 1 and ($item[0]|length) < 2 then [null,false,.[0],.[1]]
    else . end |
    . as $state |
    if ($item|length) > 1 and ($item[0]|length) > 0 then
      [.[0]|setpath(($item|.[0]); ($item|.[1])),
      true,
      $state[2],
      $state[3]]
    else .
    end;
    if ($item[0]|length) == 1 and ($item|length == 1) and .[3] then .[2] else empty end,
    if ($item[0]|length) == 0 then $item[1] else empty end
    );
def tostream:
  . as $dot |
  if (type|. != "array" and . != "object") or length==0 then [[],$dot]
  else
    keys_unsorted as $keys |
    $keys[-1] as $last|
    ((
      $keys[] | . as $key |
      $dot[$key] | . as $dot |
      tostream|.[0]|=[$key]+.),
     [[$last]])
  end;
def bsearch(target):
  target as $t | . as $in
  | [0, length]
  | until(.[0] >= .[1]; ((.[0] + .[1]) / 2 | floor) as $mid
      | if $in[$mid] < $t then [$mid + 1, .[1]] else [.[0], $mid] end)
  | .[0] as $at
  | if $at < ($in|length) and $in[$at] == $t then $at else -1 - $at end;
def walk(f):
  . as $in
  | if type == "object" then
      reduce keys_unsorted[] as $key
        ( {}; . + { ($key):  ($in[$key] | walk(f)) } ) | f
  elif type == "array" then map( walk(f) ) | f
  else f
  end;
def INDEX(stream; idx_expr):
  reduce stream as $row ({};
    .[$row|idx_expr|
      if type != "string" then tojson
      else .
      end] |= $row);
def INDEX(idx_expr): INDEX(.[]; idx_expr);
def JOIN($idx; idx_expr): [.[] | [., $idx[idx_expr]]];
def JOIN($idx; stream; idx_expr): stream | [., $idx[idx_expr]];
def JOIN($idx; stream; idx_expr; join_expr): stream | [., $idx[idx_expr]] | join_expr;
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def input: first(_inputs, error("break"));
def inputs: _inputs;
def drem($l; $r): remainder($l; $r) | if . == 0 then copysign(.; $l) else . end;
def nexttoward($x; $y): nextafter($x; $y);
def logb: if . == 0 then -infinite elif isinfinite then infinite elif isnan then . else ilogb end;
def significand: if isinfinite or isnan or . == 0 then . else scalbln(.; ilogb | -1 * .) end;
def scalb($x; $e): $x * ($e | exp2);
def gamma: lgamma;
def pow10: exp10;
def lgamma_r: [lgamma, if tgamma < 0 then -1 else 1 end];
def @text: format("text");
def @json: format("json");
def @csv: format("csv");
def @tsv: format("tsv");
def @html: format("html");
def @uri: format("uri");
def @sh: format("sh");
def @base64: format("base64");
def @base64d: format("base64d");
