#!/usr/bin/env bash
# Generates scorer/traces/otlp/generated/ from trace.proto. Its two programs are 120 MB, so they are no dependencies: npm
# fetches them when this is run, which is after a change of trace.proto. trace.test.ts notices one without.
set -euo pipefail
cd "$(dirname "$0")/../scorer/traces/otlp"
npm exec --yes --package=@bufbuild/buf@1.75.0 --package=@bufbuild/protoc-gen-es@2.17.0 -- buf generate --template '{
  "version": "v2",
  "inputs": [{ "directory": "." }],
  "plugins": [{ "local": "protoc-gen-es", "out": "generated", "opt": ["target=ts", "import_extension=ts"] }]
}'
