#!/bin/sh
# Hands the secrets of this container, which only this container can read, to the program; then becomes the program.
# A value in the environment wins: `docker compose run --rm -e BROADSHEET_API_KEY=… cli article withdraw …`.
set -eu
hand() { # variable, file
  if [ -z "$(printenv "$1")" ] && [ -r "/run/broadsheet/$2" ]; then
    value=$(cat "/run/broadsheet/$2")
    export "$1=$value"
  fi
}
hand BROADSHEET_REDIS_URL redis-url
hand BROADSHEET_INDEX_KEY index-key
hand BROADSHEET_API_KEY api-key
hand BROADSHEET_WEBHOOK_KEY webhook-key
if [ $# -eq 0 ]; then set -- python -m "services.$SERVICE.app"; fi
exec "$@"
