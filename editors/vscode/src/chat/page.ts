import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

/**
 * The HTML of the chat page. Only our own script runs in it, and it loads nothing from elsewhere.
 * The form is disabled until the script runs; otherwise early input would be lost.
 */
export function renderPage(webview: vscode.Webview, root: vscode.Uri): string {
  const nonce = randomBytes(16).toString('hex');
  const file = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(root, ...parts));
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${file('media', 'chat.css')}">
<title>copilotd</title>
</head>
<body>
<main id="turns" aria-live="polite"></main>
<form id="form">
<div id="subject"></div>
<button id="tools" type="button" aria-pressed="false" disabled
 title="Let the model use tools in the workspace. It asks before it changes anything.">Tools</button>
<textarea id="question" rows="1" aria-label="Question" disabled
 placeholder="Ask, or /explain /fix /tests /doc"></textarea>
<button id="send" type="submit" disabled>Send</button>
</form>
<script nonce="${nonce}" src="${file('dist', 'chat.js')}"></script>
</body>
</html>`;
}
