# What is defined in jq's own words: short names for what is easily said, and what paths go
# through. Everything else is native.
def select(f): if f then . else empty end;
def map(f): [.[] | f];
def map_values(f): .[] |= f;
def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def getpath($path): reduce ($path | _steps) as $step (.; .[$step]);
def recurse_down: ..;
def leaf_paths: paths(select(. < []));
def scalars_or_empty: select(. < [] or length == 0);
def combinations(n): [range(n) as $i | .] | combinations;
def JOIN($idx; rows; key): rows | [., $idx[key]];
def JOIN($idx; rows; key; f): JOIN($idx; rows; key) | f;
def JOIN($idx; key): [JOIN($idx; .[]; key)];
def strftime($format): _moment("strftime/1"; gmtime) | _strftime($format | _c_format);
def strflocaltime($format): _moment("strflocaltime/1"; localtime) | _strflocaltime($format | _c_format);
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def todate: todateiso8601;
def gamma: lgamma;
def lgamma_r: [lgamma, if tgamma < 0 then -1 else 1 end];
