#!/bin/sh
# Runs the program of this folder with the Node.js of this folder.
self=$(readlink -f "$0")
folder=${self%/*}
exec "$folder/bin/node" "$folder/dist/${self##*/}.js" "$@"
