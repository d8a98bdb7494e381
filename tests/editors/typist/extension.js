// Does in VS Code what a recording says: a line of JSON on a socket is one step.
const vscode = require('vscode');
const net = require('node:net');
const readline = require('node:readline');

exports.activate = (context) => {
  const server = net.createServer((socket) => serve(socket)).listen(process.env.COPILOTD_TYPIST);
  context.subscriptions.push({ dispose: () => server.close() });
};

async function serve(socket) {
  for await (const line of readline.createInterface({ input: socket })) {
    const { step, ...what } = JSON.parse(line);
    try {
      await STEPS[step](what);
      socket.write('{}\n');
    } catch (error) {
      socket.write(`${JSON.stringify({ error: String(error) })}\n`);
    }
  }
}

const STEPS = {
  async open({ path }) {
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(path));
    await vscode.window.showTextDocument(document, { preview: false });
  },
  async type({ text }) {
    await vscode.commands.executeCommand('type', { text });
  },
  async change({ changes }) {
    for (const [start, end, text] of changes) {
      const range = new vscode.Range(...start, ...end);
      // Refused as long as the extension has not heard of the last key.
      while (!(await editor().edit((edit) => edit.replace(range, text))));
    }
  },
  async go({ position }) {
    const place = new vscode.Position(...position);
    editor().selection = new vscode.Selection(place, place);
    editor().revealRange(editor().selection);
  },
};

function editor() {
  return vscode.window.activeTextEditor;
}
