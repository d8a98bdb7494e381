#!/bin/sh
# Installs the programs that tests/real/test_node_clients.py drives. Their install scripts are not
# run: what they would build is not used.
set -e
cd "$(dirname "$0")"
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# What Copilot's core reads by its own install script.
core=node_modules/@vscode/chat-lib/dist
cp node_modules/@vscode/tree-sitter-wasm/wasm/*.wasm "$core/"
cp "$core"/src/_internal/platform/tokenizer/node/*.tiktoken "$core/"
