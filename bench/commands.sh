#!/usr/bin/env bash
# Times whole commands side by side: commands.sh BINARY. `make bench` calls it.
#
#   BENCH_MB=100        size of the JSON files and the template
#   BENCH_COPY_MB=1024  size of the file that is copied
#   BENCH_ONLY=lookups  one section: lookups, env, init, aws, json, copy, replace, ecs or instructions
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(dirname "$here")
# By its whole path: commands run in the job directory.
shipctl=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$top/target/bench
job=$work/job
export PATH=$top/.tools/bin:$PATH

# A comparison: a heading, then pairs of a name and a command, the first of which the others are measured by.
compare() {
    local heading=$1 arguments=() options=()
    shift
    while [ "$1" != -- ]; do options+=("$1"); shift; done
    shift
    while [ $# -gt 0 ]; do arguments+=(--command-name "$1" "$2"); shift 2; done
    echo
    echo "$heading"
    hyperfine -N --style none --export-json "$work/result.json" "${options[@]}" "${arguments[@]}" > "$work/hyperfine.log" 2>&1 \
        || { cat "$work/hyperfine.log" >&2; exit 1; }
    python3 "$here/ratios.py" "$work/result.json"
}

# The same of commands that take a few milliseconds, in turns: a heading, rounds, then the pairs.
turns() {
    local heading=$1 rounds=$2 names=() commands=()
    shift 2
    while [ $# -gt 0 ]; do names+=("$1"); commands+=("$2"); shift 2; done
    echo
    echo "$heading"
    "$work/turns" "$rounds" "${commands[@]}" > "$work/turns.txt"
    python3 "$here/ratios.py" "$work/turns.txt" "${names[@]}"
}

# The peak memory of each command: pairs of a name and a command.
peaks() {
    local words measured
    while [ $# -gt 0 ]; do
        read -ra words <<< "$2"
        measured=$("$work/peak" "${words[@]}")
        printf '  %-44s %10s MB at most\n' "$1" "${measured% *}"
        shift 2
    done
}

# Two commands must print the same before it means anything that one is faster.
same() {
    if ! cmp -s <($1) <($2); then
        echo "bench: error: '$1' and '$2' print different things" >&2
        exit 1
    fi
}

prepare() {
    mkdir -p "$work" "$job"/IN/{app_img,other_img,registry} "$job/OUT" "$job/state" "$job/previousState"
    cc -O2 -static -o "$work/nothing" "$here/nothing.c"
    cc -O2 -static -o "$work/peak" "$here/peak.c"
    cc -O2 -static -o "$work/turns" "$here/turns.c"
    local name
    for name in app_img other_img; do
        printf '%s' '{"operation":"IN","name":"'$name'","type":"image","resourceId":103,"propertyBag":{"yml":{"name":"'$name'",' \
            '"pointer":{"sourceName":"org/web"}}},"version":{"versionId":10312,"versionNumber":12,"versionName":"v1.4.1",' \
            '"propertyBag":{"sourceName":"org/web"}}}' > "$job/IN/$name/version.json"
    done
    printf '%s' '{"operation":"IN","name":"registry","type":"integration","resourceId":104}' > "$job/IN/registry/version.json"
    printf '%s' '{"id":"7","masterName":"Docker Registry","url":"https://registry.example.com"}' > "$job/IN/registry/integration.json"
    # What the platform set; `other_img` is known to the files alone.
    export JOB_PATH=$job JOB_NAME=deploy JOB_STATE=$job/state JOB_PREVIOUS_STATE=$job/previousState
    export APP_IMG_ID=103 APP_IMG_META=$job/IN/app_img REGISTRY_INTEGRATION_URL=https://registry.example.com
    export ORIGINAL_FUNCTIONS=$work/original-functions.sh
    cd "$job"
}

lookups() {
    local original="bash -e $here/original.sh"
    local id='get_resource_id app_img' field='get_integration_resource_field registry url'
    local key='get_resource_version_key app_img sourceName' call
    for call in "$id" "$field" "$key"; do
        same "$shipctl $call" "$original $call"
    done
    turns 'A look-up beside a C program that does nothing' 1000 \
        'a static C program that returns 0' "$work/nothing" \
        'get_resource_id, from the environment' "$shipctl $id" \
        'get_resource_id, from version.json' "$shipctl get_resource_id other_img" \
        'get_integration_resource_field, environment' "$shipctl $field" \
        'get_resource_version_key' "$shipctl $key"
    turns 'An attribute beside a bash script that does what the original did' 200 \
        'shipctl get_resource_id' "$shipctl $id" 'bash' "$original $id"
    turns 'A field of an integration beside the same' 200 \
        'shipctl get_integration_resource_field' "$shipctl $field" 'bash' "$original $field"
    turns 'A version key beside the same, with jq' 200 \
        'shipctl get_resource_version_key' "$shipctl $key" 'bash and jq' "$original $key"
}

job_env() {
    local many=$work/resources
    [ "$("$shipctl" --job-dir "$many" job env | grep -c '^export .*_ID=')" -ge 1000 ]
    compare 'The environment of a job of 1000 resources, beside reading their files' --warmup 2 --runs 30 -- \
        'shipctl job env' "$shipctl --job-dir $many job env" \
        'cat' "bash -c 'cat $many/IN/*/*.json'"
    peaks 'shipctl job env' "$shipctl --job-dir $many job env"
}

# The words of `job init` in a pipeline of so many resources, in a place and with a store of its own.
init_of() {
    local there=$work/pipelines/$1
    echo "$shipctl job init deploy --file $there/shippable.yml --integrations $there/integrations.yml" \
        "--store $work/init/store-$2 --dir $work/init/job-$2 --build-number 1"
}

# A store whose job has a state of so many megabytes.
with_state() {
    local init
    init=$(init_of "$1" "$2-$1")
    # shellcheck disable=SC2086 # the call is words
    $init > /dev/null
    head -c "$2M" /dev/urandom > "$work/init/job-$2-$1/state/state.bin"
    "$shipctl" job finish --dir "$work/init/job-$2-$1" 2> /dev/null
    # shellcheck disable=SC2086
    mv "$work/init/job-$2-$1/state/state.bin" "$work/init/state" && $init > /dev/null
    cmp "$work/init/state" "$work/init/job-$2-$1/previousState/state.bin"
}

# The directories of jobs, made from their yml, in an environment that names no job.
job_init() (
    local size init first=() again=() state=() large=()
    unset JOB_PATH JOB_NAME JOB_STATE JOB_PREVIOUS_STATE APP_IMG_ID APP_IMG_META REGISTRY_INTEGRATION_URL
    export BENCH_SECRET='correct horse battery'
    rm -rf "$work/init"
    mkdir -p "$work/init"
    cd "$work/init"
    for size in 250 500 1000; do
        first+=("$size resources" "bash -c 'rm -rf store-first-$size job-first-$size; exec $(init_of $size first-$size)'")
        again+=("$size resources" "$(init_of $size again-$size)")
        init=$(init_of $size again-$size)
        # shellcheck disable=SC2086 # the call is words
        $init > /dev/null
        [ "$(find "$work/init/job-again-$size/IN" -name version.json | wc -l)" = "$size" ]
    done
    for size in 10 25 50; do
        with_state 3 $size
        state+=("a state of $size MB" "$(init_of 3 $size-3)")
    done
    with_state 1000 50
    large+=('1000 resources and a state of 50 MB' "$(init_of 1000 50-1000)")
    compare 'job init, with the versions in the store, over the old directory' --warmup 1 --runs 10 -- "${again[@]}" \
        'cp -r of the 1000, over an old copy' "bash -c 'rm -rf copy && exec cp -r job-again-1000 copy'"
    peaks "${again[@]}"
    compare 'The first job init, which makes the versions (the old store removed in it)' --warmup 1 --runs 10 -- "${first[@]}"
    compare 'job init of three resources, with a state of random bytes' --warmup 1 --runs 10 -- "${state[@]}"
    peaks "${state[@]}"
    compare 'job init of both' --warmup 1 --runs 10 -- "${large[@]}" 'the same state, read alone' "cat job-50-1000/previousState/state.bin"
    peaks "${large[@]}"
)

# Starts moto on a port that is free, and gives its address.
start_moto() {
    local line log
    coproc MOTO { exec moto_server -H 127.0.0.1 -p 0 2>&1; }
    # shellcheck disable=SC2064 # the process of now
    trap "kill $MOTO_PID" EXIT
    while read -r line <&"${MOTO[0]}"; do
        if [[ $line =~ Running\ on\ (http://127\.0\.0\.1:[0-9]+) ]]; then
            export AWS_ENDPOINT_URL=${BASH_REMATCH[1]}
            # It says a line per request, which somebody must read.
            # A copy, since a process in the background is not given the one of the coprocess.
            exec {log}<&"${MOTO[0]}"
            cat <&"$log" > /dev/null &
            return
        fi
    done
    echo 'bench: error: moto did not start' >&2
    exit 1
}

# Everything with credentials and a home of its own, so that no file of the user has a say.
aws_calls() (
    local arn=arn:aws:iam::123456789012:role/deploy
    local body="Action=AssumeRole&Version=2011-06-15&RoleArn=$arn&RoleSessionName=bench"
    local assume="aws assume-role --role-arn $arn --role-session-name bench"
    export HOME=$work/home NO_PROXY=127.0.0.1 no_proxy=127.0.0.1 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
    export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
    unset XDG_CACHE_HOME AWS_PROFILE AWS_SESSION_TOKEN AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
    rm -rf "$HOME"
    mkdir -p "$HOME"
    start_moto
    compare 'A role assumed of a local STS (moto), its own time in each' --warmup 3 --runs 50 -- \
        'curl --aws-sigv4' "curl -sSf -o /dev/null --aws-sigv4 aws:amz:us-east-1:sts -u $AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY -d $body $AWS_ENDPOINT_URL" \
        'shipctl aws assume-role' "$shipctl $assume --no-cache" \
        'aws sts assume-role' "aws sts assume-role --role-arn $arn --role-session-name bench"
    peaks 'shipctl aws assume-role' "$shipctl $assume --no-cache"
    # shellcheck disable=SC2086 # the call is words
    "$shipctl" $assume > /dev/null
    kill "$MOTO_PID"
    trap - EXIT
    turns 'The same once the session is kept (STS is gone), beside a look-up' 500 \
        'shipctl get_resource_id' "$shipctl get_resource_id app_img" \
        'shipctl aws assume-role' "$shipctl $assume"
    peaks 'shipctl aws assume-role, kept' "$shipctl $assume"
)

large_json() {
    local file key
    for file in list.json:meta.next keys.json:last; do
        key=${file#*:} file=$work/${file%:*}
        same "$shipctl get_json_value $file $key" "jq -r .$key $file"
        compare "One key of a JSON file of $(du -m "$file" | cut -f1) MB: $key of $(basename "$file")" --warmup 1 --runs 3 -- \
            'shipctl get_json_value' "$shipctl get_json_value $file $key" \
            'jq -r' "jq -r .$key $file"
        peaks 'shipctl get_json_value' "$shipctl get_json_value $file $key" 'jq -r' "jq -r .$key $file"
    done
}

copy() {
    compare "A file of $(du -m "$work/archive.bin" | cut -f1) MB into the job's state" \
        --warmup 1 --runs 5 --prepare "rm -f $job/state/archive.bin" -- \
        'shipctl copy_file_to_state' "$shipctl copy_file_to_state $work/archive.bin" \
        'cp -p' "cp -p $work/archive.bin $job/state/archive.bin"
    rm -f "$job/state/archive.bin"
    peaks 'shipctl copy_file_to_state' "$shipctl copy_file_to_state $work/archive.bin"
    cmp "$work/archive.bin" "$job/state/archive.bin"
    rm -f "$job/state/archive.bin"
}

replace() {
    export APP_NAME=web APP_PORT=8080 APP_USER=deploy
    local file=$work/filled.txt
    compare "A template of $(du -m "$work/template.txt" | cut -f1) MB" \
        --warmup 1 --runs 5 --prepare "cp $work/template.txt $file" -- \
        'shipctl replace' "$shipctl replace $file" \
        'envsubst' "bash -c 'envsubst < $work/template.txt > $work/envsubst.txt'"
    cp "$work/template.txt" "$file"
    peaks 'shipctl replace' "$shipctl replace $file"
    cmp "$file" "$work/envsubst.txt"
    rm -f "$file" "$work/envsubst.txt"
}

roll_out() {
    echo
    echo 'A deployment to ECS whose task runs after a minute'
    python3 "$here/ecs.py" "$work/peak" "$shipctl"
}

instructions() {
    echo
    echo 'Instructions of one call, which do not depend on what else the machine does'
    if ! command -v valgrind > /dev/null; then
        echo '  valgrind is not on this machine: not counted'
        return
    fi
    local call
    for call in 'get_resource_id app_img' 'get_resource_id other_img' 'get_resource_version_key app_img sourceName'; do
        # shellcheck disable=SC2086 # the call is words
        valgrind --tool=callgrind --callgrind-out-file=/dev/null "$shipctl" $call 2>&1 > /dev/null \
            | sed -n "s/.*Collected : \([0-9]*\)/  $call: \1/p"
    done
}

echo "bench: $("$shipctl" --version), $(uname -m), $(nproc) processors, a binary of $(du -m "$shipctl" | cut -f1) MB"
python3 "$here/data.py" "$work" "${BENCH_MB:-100}" "${BENCH_COPY_MB:-1024}"
prepare
case ${BENCH_ONLY:-all} in
    lookups) lookups ;;
    env) job_env ;;
    init) job_init ;;
    aws) aws_calls ;;
    json) large_json ;;
    copy) copy ;;
    replace) replace ;;
    ecs) roll_out ;;
    instructions) instructions ;;
    all) lookups; job_env; job_init; aws_calls; large_json; copy; replace; roll_out; instructions ;;
    *) echo "bench: error: no section ${BENCH_ONLY}" >&2; exit 1 ;;
esac
