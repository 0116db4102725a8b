#!/usr/bin/env bash
# Tool:     docker-registry 2.8.2+ds1-1 (Debian 12)
# Surprise: A manifest of an OCI image is 404 for a client that accepts anything (`Accept: */*`, what curl and
#           fetch send) or says nothing; only the exact media type finds it. HEAD says no more than 404, so a
#           tag that is there reads as missing.
# Guess:    "*/*" includes the type that is there; or 406. 404 says that the tag does not exist.
# For MCP:  Whoever asks a registry for a tag's digest names the OCI and the Docker types, index and manifest.
# Date:     2026-12-01. Lines with "#>" are the output seen; the script fails when it differs.
#> no Accept: 404
#> Accept: */*: 404
#> Accept: application/*: 404
#> Accept: application/vnd.docker.distribution.manifest.v2+json: 404
#> Accept: application/vnd.oci.image.manifest.v1+json: 200
#> the tag is listed: {"name":"shop","tags":["v1"]}
set -euo pipefail
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$tmp"' EXIT
(cd "$tmp" && timeout 300 apt-get download -qq docker-registry=2.8.2+ds1-1 2> apt ||
  { cat apt >&2; echo "Debian no longer has docker-registry 2.8.2+ds1-1." >&2; exit 1; })
dpkg -x "$tmp"/*.deb "$tmp/root"
port=$((20000 + RANDOM % 20000))
repository=http://127.0.0.1:$port/v2/shop
cat > "$tmp/registry.yml" <<END
version: 0.1
log: { level: error }
storage: { filesystem: { rootdirectory: "$tmp/store" } }
http: { addr: "127.0.0.1:$port" }
END
timeout 60 "$tmp/root/usr/bin/docker-registry" serve "$tmp/registry.yml" > "$tmp/log" 2>&1 &
pids+=($!)
for _ in $(seq 50); do timeout 5 curl -s -o "$tmp/ready" "http://127.0.0.1:$port/v2/" && break; sleep 0.1; done

push() { # file
  local digest location
  digest=sha256:$(sha256sum < "$1" | cut -d' ' -f1)
  location=$(timeout 10 curl -sf -D - -o "$tmp/answer" -X POST "$repository/blobs/uploads/" |
    sed -nE 's/^location: (.*)\r$/\1/Ip')
  timeout 10 curl -sf -o "$tmp/answer" -T "$1" "$location&digest=$digest"
  printf '"digest": "%s", "size": %s' "$digest" "$(stat -c %s "$1")"
}
echo '{}' > "$tmp/config"
echo data > "$tmp/layer"
type=application/vnd.oci.image
cat > "$tmp/manifest" <<END
{ "schemaVersion": 2, "mediaType": "$type.manifest.v1+json",
  "config": { "mediaType": "$type.config.v1+json", $(push "$tmp/config") },
  "layers": [{ "mediaType": "$type.layer.v1.tar", $(push "$tmp/layer") }] }
END
timeout 10 curl -sf -T "$tmp/manifest" -H "Content-Type: $type.manifest.v1+json" "$repository/manifests/v1"
ask() { # header
  timeout 10 curl -s -o "$tmp/answer" -w "%{http_code}\n" -I -H "$1" "$repository/manifests/v1"
}
{
  echo "no Accept: $(ask "Accept:")"
  for accept in '*/*' 'application/*' application/vnd.docker.distribution.manifest.v2+json \
    $type.manifest.v1+json; do
    echo "Accept: $accept: $(ask "Accept: $accept")"
  done
  echo "the tag is listed: $(timeout 10 curl -s "$repository/tags/list")"
} | tee "$tmp/seen"
diff <(sed -n 's/^#> //p' "$0") "$tmp/seen" || { echo "What this tool does has changed." >&2; exit 1; }
