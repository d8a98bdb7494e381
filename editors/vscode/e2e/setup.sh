#!/bin/sh
# Builds the extension and installs VS Code for the browser. tests/editors/test_vscode.py needs both.
# Native add-ons are not compiled, because the tests do not use them.
set -e
quick="--ignore-scripts --no-audit --no-fund --loglevel=error"
cd "$(dirname "$0")/.."
npm ci --no-audit --no-fund --loglevel=error
npm run --silent package
cd e2e
npm ci $quick
cd node_modules/code-server/lib/vscode
npm install --omit=dev $quick
cd extensions
npm install --omit=dev $quick
