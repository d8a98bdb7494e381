import * as vscode from 'vscode';
import type { Proposals } from '../edit/proposals';
import { lines } from './subject';
import type { Code } from './turn';

/** What can be done with a code block of an answer. */
export class CodeBlocks {
  constructor(private readonly proposals: Proposals) {}

  async copy(code: string): Promise<void> {
    await vscode.env.clipboard.writeText(code);
  }

  /** At the cursor, in place of what is selected. */
  async insert(code: string): Promise<void> {
    const editor = target();
    if (!editor) return;
    await editor.edit((edit) => edit.replace(editor.selection, code));
    await vscode.window.showTextDocument(editor.document, editor.viewColumn);
  }

  /** Show what the file would be with it in place of the code that was asked about. */
  async apply(code: string, asked: Code | undefined): Promise<void> {
    const editor = target();
    if (!editor) return;
    const { document } = editor;
    const range = found(document, asked) ?? selection(editor);
    await this.proposals.show(document, range, range.isEmpty ? `${code}\n` : code);
  }
}

function target(): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0];
  if (!editor) void vscode.window.showInformationMessage('Open the file for the code first.');
  return editor;
}

function selection({ document, selection }: vscode.TextEditor): vscode.Range {
  return selection.isEmpty
    ? new vscode.Range(selection.active.line, 0, selection.active.line, 0)
    : lines(document, selection);
}

// By its text, since the lines may have moved meanwhile.
function found(document: vscode.TextDocument, asked: Code | undefined): vscode.Range | undefined {
  if (!asked?.text || asked.path !== vscode.workspace.asRelativePath(document.uri))
    return undefined;
  const start = document.getText().indexOf(asked.text);
  if (start < 0) return undefined;
  return new vscode.Range(
    document.positionAt(start),
    document.positionAt(start + asked.text.length),
  );
}
