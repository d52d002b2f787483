# shellcheck shell=sh disable=SC2034,SC2154
# The pieces that script/server and script/cluster share. $demo is the directory of the demo.

# Ctrl-C reaches the script alone, which ends all the rest in its order. If the script is killed, all the rest ends, too.
alone="setsid setpriv --pdeathsig TERM"

make_demo() {
    mkdir -p "$demo"
    [ -f "$demo/credentials.json" ] || /usr/bin/python3 demo/make_demo.py "$demo"
    product_key=$(jq -r .product_key "$demo/credentials.json")
}

# Starts a server with these options, and waits until it answers. Sets server (the process), line (what it says), and http.
serve() {
    rm -f "$demo/ready"
    mkfifo "$demo/ready"
    $alone build/muster serve --demo-credentials "$demo/credentials.json" "$@" >"$demo/ready" &
    server=$!
    read -r line <"$demo/ready" || { wait "$server"; exit 1; }
    rm -f "$demo/ready"
    http=$(printf '%s\n' "$line" | sed -n 's/.* http=\([^ ]*\).*/\1/p')
}

# Starts the fleet at this address of the API. Sets simulator (the process).
run_fleet() {
    $alone build/muster sim --http "http://$1" --product "$product_key" --definition "$demo/definition.json" \
        --fleet "$demo/fleet.csv" --interval 5 &
    simulator=$!
    /usr/bin/python3 demo/fill_demo.py "$1" "$demo"
}

# Says what to try at this address of the API.
say_calls() {
    token=$(curl -sS --fail -d @"$demo/credentials.json" "http://$1/v1/products/$product_key/access_token" | jq -r .token)
    cat <<TEXT
A fleet of $(wc -l <"$demo/fleet.csv") air conditioners reports every 5 seconds. Try every call in a browser:

    http://$1/docs

or ask by hand:

    curl -H 'Authorization: token $token' 'http://$1/v1/products/$product_key/devices/search?limit=3'

TEXT
}
