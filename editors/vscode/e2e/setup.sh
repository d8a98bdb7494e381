#!/bin/sh
# Builds the extension and installs VS Code for the browser, for tests/editors/test_vscode.py.
# Native add-ons are left uncompiled: nothing here uses them.
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
