#!/bin/sh
# Hands the secrets of this container, which only this container can read, to the program; then becomes the program.
set -eu
if [ -r /run/broadsheet/redis-url ]; then
  BROADSHEET_REDIS_URL=$(cat /run/broadsheet/redis-url)
  export BROADSHEET_REDIS_URL
fi
if [ -r /run/broadsheet/index-key ]; then
  BROADSHEET_INDEX_KEY=$(cat /run/broadsheet/index-key)
  export BROADSHEET_INDEX_KEY
fi
if [ -r /run/broadsheet/api-key ]; then
  BROADSHEET_API_KEY=$(cat /run/broadsheet/api-key)
  export BROADSHEET_API_KEY
fi
if [ -r /run/broadsheet/webhook-key ]; then
  BROADSHEET_WEBHOOK_KEY=$(cat /run/broadsheet/webhook-key)
  export BROADSHEET_WEBHOOK_KEY
fi
if [ $# -eq 0 ]; then set -- python -m "services.$SERVICE.app"; fi
exec "$@"
